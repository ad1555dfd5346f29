#!/bin/bash
# SPDX-License-Identifier: MIT
# test-reset.sh - the host fails under our driver: nothing hangs, and it comes back
#
# usage: test-reset.sh [CASE]...
#
#   gears     under glxgears: the worker is stopped (it answers nothing, but the
#             connection lives), then, with FULL=1, killed
#   ring      the same with a ring that is full
#   modeset   the same while modes are set without pause
#   probe     the same while the driver starts
#   gone      the whole back end is killed under glxgears, with FULL=1 under the others
#             as well, in a machine each; then unbind and poweroff
#
# Without CASE: gears and gone; all of them with FULL=1 (make check-reset). That
# a worker is killed under the in-tree driver is test-kill.sh's.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"
watchdog=8		# seconds
late=$((watchdog + 12))	# for a guest under emulation to notice, and start anew
cases=(gears gone)
signals=(STOP)
[ -z "${FULL:-}" ] || { cases=(gears ring modeset probe gone); signals=(STOP KILL); }
[ $# = 0 ] || cases=("$@")

# Programs of the test in User Mode Linux; they need nothing but libc.
# shellcheck disable=SC2046  # flags are words
build_tools() {
	local tool
	for tool in loadt resett; do
		cc -O2 -D_GNU_SOURCE -I"$top" $(pkg-config --cflags libdrm) \
			-o "$work/inject/$tool" "$top/tests/uml/$tool.c" || return 1
	done
}

# stuck: prints who sleeps where no signal reaches it, for two seconds on end: who
# was scheduled meanwhile waits for the next thing already. Starts no program,
# which under load would take a while each.
cat > "$work/inject/stuck" <<'GUEST'
#!/bin/sh
asleep() {
	for stat in /proc/[0-9]*/stat; do
		read -r line < "$stat" || continue
		case ${line##*) } in D*) ;; *) continue ;; esac
		pid=${line%% *} switches=
		while read -r field value; do
			case $field in *ctxt_switches:) switches=$switches:$value ;; esac
		done < "/proc/$pid/status"
		echo "$pid$switches"
	done 2> /dev/null
}
sleep 1
first=" $(asleep | tr '\n' ' ') "
sleep 2
found=0
for task in $(asleep); do
	case $first in *" $task "*)
		echo "$(cat "/proc/${task%%:*}/comm"): $(cat "/proc/${task%%:*}/stack")"
		found=1 ;;
	esac
done
exit $found
GUEST
# modes: sets one mode after the other
cat > "$work/inject/modes" <<'GUEST'
#!/bin/sh
while :; do
	for fb in 0 1 1 0; do echo $fb > /sys/class/graphics/fb0/blank; done
done 2> /dev/null
GUEST
chmod +x "$work"/inject/*

resets() { vm vm 10 'cat /sys/kernel/debug/dri/0/reset'; }
resets_at_most() { # NUMBER
	local n
	n=$(resets) || return 1
	echo "# [$SECONDS s] $n resets" >&3
	[ "$n" -le "$1" ] || { echo "$n resets"; vm vm 10 'dmesg | tail -n 20'; return 1; }
}
nobody_stuck() { vm vm 40 stuck; }
# Everything sent is answered, so the ring has nothing in flight for long.
renders() {
	vm vm 90 'gpu-load 1 20' > "$work/renders.txt" 2>&1 &&
		grep -q '^renderer virgl' "$work/renders.txt" && grep -q '^frames [1-9]' "$work/renders.txt" ||
		{ cat "$work/renders.txt"; return 1; }
}
# The host answers again: a new program's commands come back.
answers_again() {
	local begin=$SECONDS
	until vm vm 30 'timeout 20 resett work' > "$work/answers.txt" 2>&1; do
		[ $((SECONDS - begin)) -lt "$late" ] || { cat "$work/answers.txt"; vm vm 10 'dmesg | tail -n 20'; return 1; }
		sleep 0.5
	done
}
end_all_loads() {
	vm vm 30 'for p in $(busybox pidof loadt gpu-load modes); do kill -9 $p; done; sleep 0.5; ! busybox pidof loadt gpu-load modes'
}
console() {
	vm vm 60 "printf '\\033[?25l\\033[2J\\033[H' > /dev/tty1; seq 1 400 | head -c 1200 > /dev/tty1"
}
# X has lost its context with the rest: it is started anew, as a session is
gears_again() {
	vm vm 40 end-gears || return 1
	gears_start vm || return 1
	gears_drawn
}
gears_drawn() {
	local jobs
	jobs=$(vm_stat vm jobs)
	shot vm gears-1.png > /dev/null
	sleep 1.5
	shot vm gears-2.png > /dev/null
	check_gears --renderer "$(vm vm 10 'sed -n "s/^GL_RENDERER *= //p" /run/gears.log')" \
		--jobs "$jobs" "$(vm_stat vm jobs)" "$work/gears-1.png" "$work/gears-2.png"
}
# Without one vgpud says 0, and a signal to that is one to this script.
worker() {
	local pid i
	for ((i = 0; i < 200; i++)); do
		pid=$(vm_stat vm worker_pid)
		[ "${pid:-0}" -le 0 ] || { echo "$pid"; return; }
		sleep 0.05
	done
	echo "there is no worker" >&2
	return 1
}
signal_worker() { # SIGNAL
	local pid
	pid=$(worker) && kill "-$1" "$pid"
}

flood="sh -c 'loadt flood 3d & loadt flood 3d & loadt flood 2d /dev/dri/card0 & wait'"
load() { vm vm 30 "setsid $1 > /run/load.log 2>&1 < /dev/null & sleep 1"; }
# The faults in turn, and what has to hold after each
faults() { # NAME COMMAND: under the command, which the guest runs
	local name=$1 command=$2 before
	for how in "${signals[@]}"; do
		[ -z "$command" ] || load "$command"
		before=$(resets)
		check "$name, worker gets SIG$how: the signal" signal_worker $how
		sleep $((watchdog / 2))
		check "$name, worker gets SIG$how: the host answers again" answers_again
		check "$name, worker gets SIG$how: nobody is stuck" nobody_stuck
		check "$name, worker gets SIG$how: at most one reset" resets_at_most $((before + 1))
		[ -z "$command" ] || check "$name, worker gets SIG$how: the programs end" end_all_loads
		case $name in
		glxgears) check "$name, worker gets SIG$how: a new session draws" gears_again ;;
		*)	check "$name, worker gets SIG$how: a GL program draws" renders ;;
		esac
	done
}
per_fault=5

case_gears() {
	check "gears: glxgears runs" gears_start vm || bail "no glxgears"
	faults glxgears ''
	check "gears: the session ends" vm vm 40 end-gears
	console
	check "gears: the text console is back" screen_becomes 20 vm console.png 1280 800 2000
}
case_ring() {
	console
	sleep 1
	shot vm ring.png > /dev/null
	faults "full ring" "$flood"
	console
	check "ring: the text console is right" console_is ring.png
}
case_modeset() {
	faults modeset modes
	check "modeset: unblanked" vm vm 20 'echo 0 > /sys/class/graphics/fb0/blank'
	console
	check "modeset: the text console is right" screen_becomes 20 vm modeset.png 1280 800 2000
}
probe_round() { # SIGNAL
	local job
	vm vm 40 'release-console; bind-gpu unbind' || return 1
	vm vm 60 'bind-gpu' & job=$!
	# it has none before the driver gives it rings
	signal_worker "$1" || return 1
	wait $job || return 1
	answers_again && nobody_stuck && renders
}
case_probe() {
	check "probe, worker gets SIGSTOP" probe_round STOP
	check "probe, worker gets SIGKILL" probe_round KILL
	check "probe: at most one reset" resets_at_most 1
}

# With the back end gone for good there is no screen; the guest's log tells.
given_up() {
	local begin=$SECONDS
	until vm vm 10 'dmesg' | grep -q 'the device is given up'; do
		[ $((SECONDS - begin)) -lt $((late * 2)) ] || { vm vm 10 'dmesg | tail -n 20'; return 1; }
		sleep 0.5
	done
}
gone() {
	local endpoint worker
	endpoint=$(endpoint_pid vm) worker=$(worker) || return 1
	kill -KILL "$endpoint" "$worker"
}
all_signalled() { # of a file that was open, and of a new one
	vm vm 40 'timeout 30 resett fences 20 25' > "$work/fences.txt" 2>&1
	cat "$work/fences.txt"
	grep -qE ' 0 never|No such device|Input/output' "$work/fences.txt"
}
powers_off() {
	vm vm 5 'busybox poweroff -f' > /dev/null 2>&1
	timeout 30 tail --pid="$(qemu_pid vm)" -f /dev/null
}
boot() {
	vm_start vm --driver ours --kernel "${KERNEL:-6.1}" --socket "$host/vm.sock" --inject "$work/inject" \
		--append "vgpu.watchdog=$watchdog"
	vm_ready vm
}
# Each takes a machine with it.
gone_under() { # NAME COMMAND
	check "gone, $1: it runs" "${@:2}" || bail "no $1"
	check "gone, $1: endpoint and worker are killed" gone
	check "gone, $1: every fence is signalled" all_signalled
	check "gone, $1: the device is given up" given_up
	check "gone, $1: nobody is stuck" nobody_stuck
	case $1 in
	glxgears) check "gone, $1: the programs end" vm vm 40 end-gears ;;
	*) check "gone, $1: the programs end" end_all_loads ;;
	esac
	ends "$1"
}
ends() { # NAME: unbinding, unloading, switching off
	check "gone, $1: unbind ends" vm vm 30 'release-console; bind-gpu unbind'
	check "gone, $1: the module unloads" vm vm 30 'modprobe -r vgpu'
	check "gone, $1: the guest powers off" powers_off
}
gone_in_probe() {
	vm vm 60 'bind-gpu > /run/bind.log 2>&1' & bind_job=$!
	gone
}
bind_ended() {
	wait "$bind_job"
	vm vm 10 'cat /run/bind.log; ! busybox pidof bind-gpu'
}
unbinds_if_bound() {
	vm vm 40 'release-console; d=$(readlink /sys/bus/virtio/drivers/vgpu/virtio* | head -n 1); [ -z "$d" ] || bind-gpu unbind'
}
case_gone() {
	gone_under glxgears gears_start vm
	[ "${FULL:-}" ] || return 0
	check "gone: a new guest boots" boot || bail "no guest"
	gone_under "full ring" load "$flood"
	check "gone: a new guest boots" boot || bail "no guest"
	gone_under modeset load modes
	check "gone: a new guest boots" boot || bail "no guest"
	check "gone, probe: unbound" vm vm 40 'release-console; bind-gpu unbind'
	check "gone, probe: endpoint and worker are killed" gone_in_probe
	check "gone, probe: the driver's start ends" bind_ended
	check "gone, probe: nobody is stuck" nobody_stuck
	check "gone, probe: unbind ends" unbinds_if_bound
	check "gone, probe: the module unloads" vm vm 30 'modprobe -r vgpu'
	check "gone, probe: the guest powers off" powers_off
}

n=${#signals[@]}
gone=9
[ -z "${FULL:-}" ] || gone=37
count=(gears $((3 + n * per_fault)) ring $((1 + n * (per_fault + 1)))
	modeset $((2 + n * (per_fault + 1))) probe 3 gone $gone)
planned_tests=3
for name in "${cases[@]}"; do
	for ((i = 0; i < ${#count[@]}; i += 2)); do
		[ "${count[i]}" != "$name" ] || planned_tests=$((planned_tests + count[i + 1]))
	done
done
exec 3>&1
plan $planned_tests
check "the guest's programs build" build_tools || bail "no programs"
check "vgpud starts" host_start vm || bail "no vgpud"
check "the guest boots" boot || bail "no guest"
for name in "${cases[@]}"; do
	"case_$name"
done
finish
