#!/bin/bash
# SPDX-License-Identifier: MIT
# test-kill.sh - the worker is killed ten times under the in-tree driver
#
# At random instants, in the middle of display updates and of GET_VRING_BASE:
# QMP answers within a second, the console is right again, a new GL program
# runs, reboot works; QEMU logs nothing and idles.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"
# Display updates without end, and a GL program.
cat > "$work/inject/noise" <<'GUEST'
#!/bin/sh
echo $$ > /run/noise.pid
gpu-load 60 60 > /run/load.log 2>&1 &
while :; do dmesg; done > /dev/tty1
GUEST
cat > "$work/inject/end-noise" <<'GUEST'
#!/bin/sh
kill -9 "$(cat /run/noise.pid)"
for pid in $(busybox pidof gpu-load dmesg); do kill -9 "$pid"; done
true
GUEST
chmod +x "$work"/inject/*
rounds=${ROUNDS:-10}
exec 3>&1
seed=${SEED:-$RANDOM}
RANDOM=$seed

answers() { # QMP, within a second
	local ms
	ms=$(qmp_ms vm 5 "${1:-query-status}") && [ "$ms" -lt 1000 ] && return
	echo "QMP ${1:-query-status}: ${ms:-no answer} ms"
	return 1
}
# The same text on the same screen, whoever draws it.
console() {
	vm vm 60 "printf '\\033[?25l\\033[2J\\033[H' > /dev/tty1; seq 1 400 | head -c 1200 > /dev/tty1; echo $1 > /dev/tty1"
}
renders() {
	vm vm 90 'gpu-load 1 20' > "$work/renders.txt" 2>&1 &&
		grep -q '^renderer virgl' "$work/renders.txt" && grep -q '^frames [1-9]' "$work/renders.txt" ||
		{ cat "$work/renders.txt"; return 1; }
}
noise() { vm vm 60 "setsid noise > /dev/null 2>&1 < /dev/null & sleep 0.5"; }
end_noise() { vm vm 120 "end-noise"; }
replaced() { # PID: another worker has its place
	local i now
	for ((i = 0; i < 50; i++)); do
		now=$(vm_stat vm worker_pid)
		[ -z "$now" ] || [ "$now" = 0 ] || [ "$now" = "$1" ] || return 0
		sleep 0.1
	done
	echo "worker $1 has no successor (now '$now')"
	return 1
}
pause_ms() { sleep "$(awk -v m="$1" 'BEGIN { print m / 1000 }')"; }

kill_round() { # HOW
	local pid job status=0
	noise || return 1
	pid=$(vm_stat vm worker_pid) || return 1
	pause_ms $((RANDOM % 700))
	case $1 in
	update)
		kill -KILL "$pid" || return 1
		answers || return 1 ;;
	stop)	# QEMU waits for GET_VRING_BASE meanwhile
		qmp_ms vm 5 stop > "$work/stop.ms" & job=$!
		pause_ms $((RANDOM % 12))
		kill -KILL "$pid" || return 1
		wait $job || return 1
		[ "$(cat "$work/stop.ms")" -lt 1000 ] || { echo "stop took $(cat "$work/stop.ms") ms"; return 1; }
		answers || return 1
		answers cont || return 1 ;;
	esac
	replaced "$pid" || return 1
	answers || return 1
	end_noise || return 1
	console same && console_is console.png || return 1
	renders
}
kill_rounds() {
	local i how
	for ((i = 1; i <= rounds; i++)); do
		how=update
		[ $((i % 3)) != 0 ] || how=stop
		kill_round $how || { echo "in round $i of $rounds ($how), seed $seed"; return 1; }
		echo "# [$SECONDS s] killed $i of $rounds ($how)" >&3
	done
}
reboots() {
	local id now begin=$SECONDS
	id=$(vm vm 10 'cat /proc/sys/kernel/random/boot_id') || return 1
	vm vm 3 'busybox reboot -f' > /dev/null 2>&1
	until now=$(vm vm 5 'cat /proc/sys/kernel/random/boot_id' 2> /dev/null) && [ "$now" != "$id" ]; do
		[ $((SECONDS - begin)) -lt 90 ] || { echo "the guest does not come back"; return 1; }
		sleep 0.3
	done
	renders
}
# QEMU's main loop takes less than a tenth of a CPU; vCPUs under emulation take
# what the guest's clock costs.
idles() {
	local pid a b
	pid=$(qemu_pid vm)
	sleep 2
	a=$(cpu_ns "$pid/task/$pid")
	sleep 3
	b=$(cpu_ns "$pid/task/$pid")
	[ $(((b - a) / 1000000)) -lt 300 ] || { echo "$(((b - a) / 1000000)) ms of CPU in 3 s"; return 1; }
}
quiet() { [ ! -s "$work/vm/qemu.log" ] || { cat "$work/vm/qemu.log"; return 1; }; }

plan 8
echo "# seed $seed"
check "vgpud starts" host_start vm || bail "no vgpud"
vm_start vm --driver "${DRIVER:-intree}" --socket "$host/vm.sock" --inject "$work/inject"
check "the guest boots" vm_ready vm || bail "no guest"
console same
sleep 2
shot vm console.png > /dev/null
check "the console is on the screen" screen_is vm first.png 1280 800 2000
check "the worker is killed $rounds times" kill_rounds
check "as many restarts are counted" eval '[ "$(vm_stat vm restarts)" -ge "$rounds" ] || { vm_stat vm restarts; false; }'
check "reboot works, and a GL program runs" reboots
check "QEMU idles" idles
check "QEMU logged nothing" quiet
finish
