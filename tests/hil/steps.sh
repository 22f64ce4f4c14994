# What the appliance goes through on the virtual board; sourced by guest.sh.
# The camera shows test patterns, so its verdict is always *ungradable*: frames are what counts.

configure
echo "     1. lamps follow the verdicts of a scripted source"
start --source "phantom:lung-blines?seed=7&fps=10" --drive-lamps
# The verdict first: the self-test at the start lights every lamp in turn.
eventually "refer for B-lines" 60 says '"verdict":"refer"'
eventually "refer lamp lights" 5 lit 1 0 0
eventually "heartbeat flashes" 5 is 3 1
check "SIGTERM ends it in order" stop
check "lines are safe after SIGTERM" dark

start --source "phantom:lung-normal?seed=7&fps=10" --drive-lamps
eventually "clear for a normal lung" 60 says '"verdict":"clear"'
eventually "clear lamp lights" 5 lit 0 1 0
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
start --source "phantom:blank" --drive-lamps
eventually "starts again after kill -9, attention steady for a blank picture" 60 lit 0 0 1
stop
check "lines are safe again" dark

start --source "phantom:lung-blines?seed=7&fps=10"
eventually "without --drive-lamps a demonstration has its verdict" 60 says '"verdict":"refer"'
check "and drives no lamp" dark
stop

echo "     2. the start button"
configure auto false
start --source "phantom:lung-normal?seed=7&fps=10" --drive-lamps
eventually "idle until the button is pressed" 60 says '"state":"idle"'
sleep 1
press 4
eventually "a press starts scanning" 20 says '"state":"scanning"'
eventually "and a verdict comes" 60 says '"verdict":"clear"'
press 4
eventually "a press holds" 20 says '"state":"held"'
check "the held verdict stays on the lamps" lit 0 1 0
stop

echo "     3. the camera comes late, stalls, fails, goes and comes back"
configure
sees_frames() { says '"fault":null' && ! says '"captured":0,'; }
faulty() { says '"fault":"'; }
camera=vivid.0
start --source v4l2:/dev/video0
eventually "without a camera: fault, and it keeps running" 60 faulty
check "attention blinks" blinking 2
modprobe vivid n_devs=1 node_types=0x1
eventually "the camera is plugged in: frames" 60 sees_frames
control() { v4l2-ctl -d /dev/video0 -c "$1" >/dev/null; }
check "the driver is told to damage a buffer" control inject_v4l2_buf_flag_error=1
check "and to drop every other" control percentage_of_dropped_buffers=50
sleep 3
check "damaged and dropped buffers are survived" sees_frames
control percentage_of_dropped_buffers=0
check "the driver is told to fail" control inject_fatal_streaming_error=1
# The fault may be over before a line is printed.
sleep 2
eventually "frames again" 60 sees_frames
descriptors() { ls "/proc/$appliance/fd" | wc -l; }
threads() { ls "/proc/$appliance/task" | wc -l; }
before="$(descriptors) $(threads)"
round=0
while [ $round -lt "${ROUNDS:-3}" ]; do
  round=$((round + 1))
  echo $camera >/sys/bus/platform/drivers/vivid/unbind
  eventually "unplugged ($round): fault" 20 faulty
  echo $camera >/sys/bus/platform/drivers/vivid/bind
  eventually "plugged in again ($round): frames" 60 sees_frames
done
check "no descriptor and no thread leaked ($before)" test "$before" = "$(descriptors) $(threads)"
check "still the same process" running
stop
check "lines are safe" dark

echo "     4. pixel formats"
for format in YUYV NV12 GREY RGB3; do
  configure $format
  start --source v4l2:/dev/video0
  eventually "frames in $format" 60 sees_frames
  stop
done
configure XXXX
start --source v4l2:/dev/video0
wait "$appliance"; code=$?
check "an unknown format is a usage error" test $code = 2

