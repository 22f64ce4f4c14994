# The lamps of a Raspberry Pi 3 through `rppal`, read back from the GPIO controller's own register
# of levels; sourced by guest.sh.

levels=0x3f200034
level() { # GPIO number, as the controller sees it
  echo $((($(devmem $levels 32) >> $1) & 1))
}
lit() { is 17 "$1" && is 27 "$2" && is 22 "$3"; }
dark() { lit 0 0 0; }
# share LINE: of 300 looks at it, the per cent that found it high.
share() {
  looks=0 high=0
  while [ $looks -lt 300 ]; do
    looks=$((looks + 1))
    is "$1" 1 && high=$((high + 1))
  done
  echo $((high / 3))
}
dimmed() {
  high=$(share 22)
  echo "     high for $high % of the time"
  [ "$high" -gt 15 ] && [ "$high" -lt 70 ]
}
pi() { # BRIGHTNESS
  configure
  sed -i "s/gpiochip/rppal/; s/^heartbeat.*/brightness = $1/; /^\\[buttons/,\$d" /tmp/sonolamp.toml
  start --source "phantom:blank?fps=2&size=320x240" --drive-lamps
}

pi 100
eventually "attention lights for a blank picture" 60 lit 0 0 1
check "SIGTERM ends it in order" stop
check "lines are safe" dark
pi 40
eventually "a verdict's lamp comes on dimmed" 60 says '"reason":"blank"'
check "it is lit for part of the time" dimmed
check "SIGTERM ends it in order" stop
check "lines are safe" dark
