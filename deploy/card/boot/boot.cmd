# Run by U-Boot from the boot partition, on a Raspberry Pi and on the virtual board alike: takes a
# try from a slot's count, and starts that slot. /ab.env holds the order and the tries left; who finds
# a slot good sets its tries again (deploy/update). Slots that are both used up begin anew, so that a
# box which is switched off and on again and again still boots. A slot without its slot.env is one that an
# update is writing to.
setenv from "${devtype} ${devnum}:${distro_bootpart}"
setenv tries 3
setenv BOOT_ORDER
setenv BOOT_A_LEFT
setenv BOOT_B_LEFT
if load ${from} ${ramdisk_addr_r} /ab.env; then
  env import -t ${ramdisk_addr_r} ${filesize} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
fi
if test "${BOOT_ORDER}" != "A B" -a "${BOOT_ORDER}" != "B A"; then
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT ${tries}
  setenv BOOT_B_LEFT ${tries}
fi
setenv slot
for round in 1 2; do
  for s in ${BOOT_ORDER}; do
    if test -n "${slot}"; then
      true
    elif test "${s}" = "A"; then
      if test -e ${from} /A/slot.env; then
        if test ${BOOT_A_LEFT} -gt 0; then
          setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
          setenv slot A
        fi
      fi
    elif test -e ${from} /B/slot.env; then
      if test ${BOOT_B_LEFT} -gt 0; then
        setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
        setenv slot B
      fi
    fi
  done
  if test -z "${slot}"; then
    setenv BOOT_A_LEFT ${tries}
    setenv BOOT_B_LEFT ${tries}
  fi
done
# Always as long as it was, so that it is written in place: one sector.
env export -t ${ramdisk_addr_r} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
fatwrite ${from} ${ramdisk_addr_r} /ab.env ${filesize}
echo "sonolamp: slot ${slot}, tries left A ${BOOT_A_LEFT}, B ${BOOT_B_LEFT}"

setenv extra
if test -e ${from} /kernel.env; then
  load ${from} ${ramdisk_addr_r} /kernel.env
  env import -t ${ramdisk_addr_r} ${filesize} extra
fi
setenv bootargs "quiet loglevel=4 panic=10 consoleblank=0 vt.global_cursor_default=0 sonolamp.slot=${slot} rauc.slot=${slot} ${extra}"
if load ${from} ${kernel_addr_r} /${slot}/vmlinuz; then
  if load ${from} ${ramdisk_addr_r} /${slot}/initrd; then
    booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}
  fi
fi
echo "sonolamp: slot ${slot} cannot be started"
sleep 1
reset
