#!/bin/bash
# SPDX-License-Identifier: MIT
# test-demo.sh - the demonstration holds; interrupted, it leaves nothing running
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1

remains() { # what the demonstration started, of any run
	local pid line
	for pid in /proc/[0-9]*; do
		line=$(tr '\0' ' ' < "$pid/cmdline" 2> /dev/null) || continue
		case $line in *"$scratch/vgpu-demo."*) echo "$line" ;; esac
	done
	ls -d "$scratch"/vgpu-demo.* 2> /dev/null
}
interrupted() { # SIGNAL SECONDS
	local pid i
	TMPDIR=$scratch setsid scripts/demo --no-setup > "$work/interrupted.log" 2>&1 &
	pid=$!
	test_pids+=("$pid")
	for ((i = 0; i < 600; i++)); do
		! grep -q "$2" "$work/interrupted.log" || break
		sleep 0.1
	done
	grep -q "$2" "$work/interrupted.log" || { cat "$work/interrupted.log"; return 1; }
	# As a terminal does: the whole foreground group. (Started in the
	# background of a script it ignores INT, so it is ended by TERM there.)
	kill "-$1" -- "-$pid"
	timeout 20 tail --pid="$pid" -f /dev/null || { echo "still runs"; return 1; }
	sleep 0.5
	[ -z "$(remains)" ] || { echo "remains:"; remains; return 1; }
}

scratch=$(mktemp -d)
trap 'end_all; rm -rf "$scratch"' EXIT
plan 6
# Two minutes are promised to a machine that does nothing else.
allowed=120
read -r busy _ < /proc/loadavg
[ "${busy%.*}" -lt "$(nproc)" ] || allowed=360
check "the demonstration holds" eval 'TMPDIR=$scratch scripts/demo --no-setup > "$work/demo.log" 2>&1 || { cat "$work/demo.log"; false; }'
grep -E 'shares|frames/s' "$work/demo.log" | diag
check "its report says so" eval '[ "$("$vmctl" json "$.ok" < build/demo/report.json)" = true ]'
check "nothing of it remains" eval '[ -z "$(remains)" ] || { remains; false; }'
check "it took less than $allowed s" eval '[ "$("$vmctl" json "$.seconds" < build/demo/report.json)" -lt $allowed ]'
cp -r build/demo "$work/demo"
check "ended while the VMs boot, nothing remains" interrupted TERM "booting two VMs"
check "ended while they draw, nothing remains" interrupted TERM "Xorg and glxgears"
finish
