# A clinic's day on the virtual board: lamps, buttons, camera; sourced by guest.sh.
# The camera shows test patterns, so its verdict is always *ungradable*: frames are what counts.

# A frame takes long on the emulated processor, and evidence is the source's time:
# every frame is played, or there would never be enough.
lung() { # SCENE ARGUMENTS...: starts the appliance on a phantom
  scene=$1
  shift
  start --source "phantom:lung-$scene?seed=8&fps=4&size=320x240" --every-frame "$@"
}

simulate_gpio
configure
echo "     1. lamps follow the verdicts of a scripted source"
lung blines --drive-lamps
# The verdict first: the self-test at the start lights every lamp in turn.
eventually "refer for B-lines" 60 says '"verdict":"refer"'
eventually "refer lamp lights" 5 lit 1 0 0
eventually "heartbeat flashes" 20 is 3 1
check "SIGTERM ends it in order" stop
check "lines are safe after SIGTERM" dark

lung normal --drive-lamps
eventually "clear for a normal lung" 60 says '"verdict":"clear"'
eventually "clear lamp lights" 5 lit 0 1 0
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
start --source "phantom:blank" --drive-lamps
eventually "starts again after kill -9, attention steady for a blank picture" 60 lit 0 0 1
stop
check "lines are safe again" dark

lung blines
eventually "without --drive-lamps a demonstration has its verdict" 60 says '"verdict":"refer"'
check "and drives no lamp" dark
stop

echo "     2. the buttons"
configure auto false
lung normal --drive-lamps
eventually "idle until the button is pressed" 60 says '"state":"idle"'
sleep 1
press 4
eventually "a press starts scanning" 20 says '"state":"scanning"'
eventually "and a verdict comes" 60 says '"verdict":"clear"'
press 5
eventually "freeze holds" 20 says '"state":"held"'
check "the held verdict stays on the lamps" lit 0 1 0
press 4
eventually "a press ends the exam" 20 says '"state":"ended"'
press 4
eventually "and another starts the next, from nothing" 20 says '"exam":2,"state":"scanning"'
check "the last patient's verdict is off" lit 0 0 1
bouncing_presses 5 20 1
pull 4 down
eventually "a long press ends the program" 20 ended
pull 4 up
check "and shuts the box down" test -e /tmp/off
check "lines are safe" dark
# Four short presses (8 edges), twenty that bounce (120), and how the long one began.
buttons_said() { grep -q "buttons: 129 edges, 25 presses, 0 edges lost" /tmp/err; }
check "no edge lost, none taken twice" buttons_said

echo "     3. the camera comes late, stalls, fails, goes and comes back"
configure
start --source v4l2:/dev/video0
eventually "without a camera: fault, and it keeps running" 60 faulty
check "attention blinks" blinking 2
modprobe vivid n_devs=1 node_types=0x1
eventually "the camera is plugged in: frames" 60 sees_frames
second() {
  sed 's/driver = "gpiochip"/driver = "console"/; s/"GPIO[56]"/"none"/' /tmp/sonolamp.toml >/tmp/second.toml
  sonolamp run --headless --config /tmp/second.toml --source v4l2:/dev/video0 --seconds 3 2>&1 |
    grep -q "in use by another program"
}
check "a second reader of the camera is told so" second
check "the driver is told to damage a buffer" control inject_v4l2_buf_flag_error=1
check "and to drop every other" control percentage_of_dropped_buffers=50
sleep 3
check "damaged and dropped buffers are survived" sees_frames
control percentage_of_dropped_buffers=0
check "the driver is told to fail" control inject_fatal_streaming_error=1
# The fault may be over before a line is printed.
sleep 2
eventually "frames again" 60 sees_frames
unplugs 3
stop
check "lines are safe" dark
v4l2-ctl -d /dev/video0 -i 1 >/dev/null
start --source v4l2:/dev/video0
eventually "frames of an analogue input" 60 sees_frames
check "its signal is taken away" control standard_signal_mode=1
eventually "no signal is called noise" 30 says '"reason":"noise"'
# After the lamps' self-test.
eventually "attention is steady" 10 lit 0 0 1
control standard_signal_mode=0
stop
v4l2-ctl -d /dev/video0 -i 0 >/dev/null

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
