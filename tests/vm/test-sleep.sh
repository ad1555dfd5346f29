#!/bin/bash
# SPDX-License-Identifier: MIT
# test-sleep.sh - suspend to RAM and hibernation under glxgears
#
# usage: test-sleep.sh [suspend|hibernate]...
#
# ROUNDS of each; make check-reset takes ten. Without ROUNDS: suspend, once.
# After each the text console is right, a new session draws, and the kernel has
# nothing to complain of.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"
rounds=${ROUNDS:-1}
kinds=(suspend)
[ -z "${ROUNDS:-}" ] || kinds=(suspend hibernate)
[ $# = 0 ] || kinds=("$@")
swap=$work/swap.img

# Process 1 of the initramfs: goes on with what was hibernated, if that is so.
cat > "$work/inject/wake" <<'GUEST'
#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mkdir -p /sys
$bb mount -t sysfs sys /sys
for module in /modules/*; do $bb insmod "$module"; done
tries=0
while [ ! -b /dev/vdb ] && [ $tries -lt 100 ]; do
	$bb sleep 0.1
	tries=$((tries + 1))
done
$bb cat /sys/block/vdb/dev > /sys/power/resume
$bb umount /sys
$bb umount /proc
$bb umount /dev
exec /init
GUEST
cat > "$work/inject/hibernate" <<'GUEST'
#!/bin/sh
set -e
grep -q vdb /proc/swaps || busybox swapon /dev/vdb
cat /sys/block/vdb/dev > /sys/power/resume
echo 0 > /sys/power/image_size
echo shutdown > /sys/power/disk
echo disk > /sys/power/state
GUEST
chmod +x "$work"/inject/*

start() {
	vm_start vm --driver ours --kernel "${KERNEL:-6.1}" --socket "$host/vm.sock" \
		--inject "$work/inject" --append "rdinit=/inject/wake hibernate=nocompress" \
		-- -drive "if=none,id=swap,file=$swap,format=raw" -device virtio-blk-pci,drive=swap
	vm_ready vm
}
make_swap() { truncate -s 1G "$swap" && mkswap "$swap"; }

console() {
	vm vm 60 "chvt 1 2> /dev/null; printf '\\033[?25l\\033[2J\\033[H' > /dev/tty1; seq 1 400 | head -c 1200 > /dev/tty1"
}
session() { # a new one draws
	local jobs
	gears_start vm || return 1
	jobs=$(vm_stat vm jobs)
	shot vm gears-1.png > /dev/null
	sleep 1.5
	shot vm gears-2.png > /dev/null
	check_gears --renderer "$(vm vm 10 'sed -n "s/^GL_RENDERER *= //p" /run/gears.log')" \
		--jobs "$jobs" "$(vm_stat vm jobs)" "$work/gears-1.png" "$work/gears-2.png"
}
content() { # the kernel
	vm vm 10 'dmesg' > "$work/dmesg.txt"
	! grep -E 'WARNING|BUG|Oops|Call Trace|blocked for more|vgpu.*\*ERROR\*|vgpu.*given up' "$work/dmesg.txt"
}
awake() { # the guest answers, and glxgears was not left in a wait that never ends
	local begin=$SECONDS
	until vm vm 5 true 2> /dev/null; do
		[ $((SECONDS - begin)) -lt 180 ] || { tail -n 20 "$work/vm/serial.log"; return 1; }
		sleep 0.5
	done
	vm vm 40 end-gears
}

exits() { vm vm 5 'dmesg | grep -c "PM: suspend exit"'; }
# A machine on a busy host may be awake again before anybody saw it asleep.
suspends() {
	local begin=$SECONDS before
	before=$(exits)
	vm vm 5 'grep -q deep /sys/power/mem_sleep && echo deep > /sys/power/mem_sleep' || return 1
	vm vm 5 '(sleep 0.3; echo mem > /sys/power/state) > /run/suspend.log 2>&1 &' || return 1
	until qmp vm 5 query-status > "$work/status.txt"; grep -q suspended "$work/status.txt"; do
		[ "$(exits 2> /dev/null)" != $((before + 1)) ] || { echo "# woke up by itself" >&3; return 0; }
		[ $((SECONDS - begin)) -lt 120 ] || { vm vm 5 'cat /run/suspend.log; dmesg | tail -n 20'; return 1; }
		sleep 0.3
	done
	sleep 1
	qmp vm 5 system_wakeup
}
suspend_round() {
	session || return 1
	suspends || return 1
	awake || return 1
	exits || return 1
	console
	console_is console.png
}

# The image is complete when the kernel powers down; after a suspend, QEMU's
# machine does not hear that.
hibernates() {
	local pid begin=$SECONDS
	pid=$(qemu_pid vm)
	vm vm 5 'setsid hibernate > /run/hibernate.log 2>&1 < /dev/null &' || return 1
	until grep -q 'reboot: Power down' "$work/vm/serial.log"; do
		kill -0 "$pid" 2> /dev/null || return 0
		[ $((SECONDS - begin)) -lt 180 ] || { vm vm 5 'cat /run/hibernate.log; dmesg | tail -n 20'; return 1; }
		sleep 0.3
	done
	qmp vm 5 quit > /dev/null 2>&1
	timeout 20 tail --pid="$pid" -f /dev/null
}
hibernate_round() {
	local id
	session || return 1
	id=$(vm vm 10 'cat /proc/sys/kernel/random/boot_id') || return 1
	hibernates || return 1
	start || return 1
	# restored, not booted
	[ "$(vm vm 10 'cat /proc/sys/kernel/random/boot_id')" = "$id" ] || { tail -n 20 "$work/vm/serial.log"; return 1; }
	awake || return 1
	console
	console_is console.png
}

rounds_of() {
	local i
	for ((i = 1; i <= rounds; i++)); do
		"$1_round" || { echo "in round $i of $1"; return 1; }
		echo "# [$SECONDS s] $1 $i of $rounds" >&3
	done
}

exec 3>&1
plan $((5 + 2 * ${#kinds[@]}))
check "a swap area" make_swap || bail "no swap area"
check "vgpud starts" host_start vm || bail "no vgpud"
check "the guest boots" start || bail "no guest"
console
sleep 2
shot vm console.png > /dev/null
check "the console is on the screen" screen_is vm first.png 1280 800 2000
for kind in "${kinds[@]}"; do
	check "$kind and wake up, $rounds times" rounds_of "$kind"
	check "the kernel is content with $kind" content
done
check "a new session draws" session
finish
