# The long form of what clinic.sh does briefly, some ten minutes; sourced by guest.sh. The camera
# goes and comes back 100 times, and a button bounces 10,000 times.

simulate_gpio
echo "     1. 100 reconnects"
configure
modprobe vivid n_devs=1 node_types=0x1
start --source v4l2:/dev/video0
eventually "frames" 60 sees_frames
unplugs 100
stop

echo "     2. 10,000 edges"
configure auto false
start --source phantom:blank
eventually "idle" 60 says '"state":"idle"'
sleep 1
bouncing_presses 5 455 5
stop
check "every edge and every press counted, none lost" \
  grep -q "buttons: 10010 edges, 455 presses, 0 edges lost" /tmp/err
tail -n 1 /tmp/err | sed 's/^/     /'
