#!/bin/bash
# SPDX-License-Identifier: MIT
# shares.sh - two VMs with a GPU-bound scene each; a weight is set while they run
#
# usage: shares.sh [SECONDS]    length of each of the three phases [8]
#
# `make demo-shares`, and not part of `make check`. At first both weigh 100; then
# `vgpuctl set one weight=300`, then 100 again. Workers have one CPU, everything
# else another. A share is the CPU time that the kernel has counted for a worker
# (on a GPU, the time its worker reports), in the second that begins one second
# after the change, and over the rest of the phase. What vgpuctl record and plot
# make of it is in build/demo-shares.
#
# environment: B, DRIVER (ours, intree), VGPU_RENDER_NODE
. "$(dirname "$0")/lib.sh"
seconds=${1:-8}
[[ $seconds =~ ^[0-9]+$ ]] && [ "$seconds" -ge 4 ] || die "the seconds of a phase are a number from 4, not '$seconds'"
out=$B/demo-shares
rm -rf "$out"
mkdir -p "$out" "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"
plan 6

mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //; s/,/\n/g' |
	awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
[ ${#cpus[@]} -ge 2 ] || skip_all "two CPUs are needed, one for the workers, one for everything else"
worker_cpu=${cpus[0]} other_cpu=${cpus[1]}

# ---- a host with two VMs --------------------------------------------------------

host=$(mktemp -d "${TMPDIR:-/tmp}/vgpu-shares.XXXXXX")
cat > "$work/vgpud.conf" <<TEXT
[vgpud]
control-socket=$host/control
runtime-dir=$host
endpoint=$B/vgpu-endpoint
worker=$B/vgpu-worker
worker-cpus=$worker_cpu
cpu-threads=1
${VGPU_RENDER_NODE:+render-node=$VGPU_RENDER_NODE}

[vm one]

[vm two]
TEXT
ctl() { "$B/vgpuctl" --socket "$host/control" "$@"; }
stats() { ctl --json --rounds 1 top | "$vmctl" json "$@"; }
serve() {
	local i
	"$B/vgpud" --config "$work/vgpud.conf" > "$work/vgpud.log" 2>&1 &
	vgpud=$!
	test_pids+=($vgpud)
	for ((i = 0; i < 300; i++)); do
		[ ! -S "$host/two.sock" ] || return 0
		sleep 0.1
	done
	cat "$work/vgpud.log"
	return 1
}
check "vgpud serves two VMs" serve || bail "there is no vgpud"

boot() {
	local name
	for name in one two; do
		vm_start $name --driver "${DRIVER:-ours}" --socket "$host/$name.sock" \
			--inject "$work/inject" --mem 768M --smp 1 --limit 180
	done
	vm_ready one 180 && vm_ready two 180
}
check "two guests have booted" boot || bail "the guests are not up"

scene() {
	local name i
	for pid in $vgpud $$ $(stats '$.vms[0].endpoint_pid' '$.vms[1].endpoint_pid') \
		$(qemu_pid one) $(qemu_pid two); do
		taskset -apc "$other_cpu" "$pid" > /dev/null
	done
	for name in one two; do
		vm $name 10 "setsid gpu-load $((seconds * 3 + 60)) 120 > /run/load.log 2>&1 < /dev/null & true"
	done
	for name in one two; do
		for ((i = 0; i < 100; i++)); do
			! vm $name 10 'grep -q ^at /run/load.log' || continue 2
			sleep 0.3
		done
		vm $name 10 'cat /run/load.log'
		return 1
	done
}
check "both draw a heavy scene" scene || bail "the scene does not run"

# ---- the shares -------------------------------------------------------------------

cpu_renderer=$(stats '$.cpu_renderer')
# used: what each has used so far, nanoseconds
used() {
	local i pid
	for i in 0 1; do
		if [ "$cpu_renderer" = true ]; then
			pid=$(stats "\$.vms[$i].worker_pid")
			cpu_ns "$pid" || return 1
		else
			stats "\$.vms[$i].gpu_ns"
		fi
	done
}
# share_over SECONDS: prints the share of the first in %
share_over() {
	local before after
	mapfile -t before < <(used)
	sleep "$1"
	mapfile -t after < <(used)
	awk -v a=$((after[0] - before[0])) -v b=$((after[1] - before[1])) \
		'BEGIN { if (a + b <= 0) exit 1; printf "%.1f\n", 100 * a / (a + b) }'
}
results=
# phase WEIGHT DUE: sets the weight; the share is due after one second, and stays
phase() {
	local first rest
	ctl set one "weight=$1" > /dev/null || return 1
	sleep 1
	first=$(share_over 1) && rest=$(share_over $((seconds - 2))) || return 1
	note "weight $1:100: $first % in the second after, $rest % over $((seconds - 2)) s, due $2 %" >&3
	results+="${results:+,}{\"weight\":$1,\"due\":$2,\"next_second\":$first,\"rest\":$rest}"
	# The kernel counts in hundredths of a second: a second is good to 1 or 2.
	awk -v f="$first" -v r="$rest" -v d="$2" 'BEGIN { f -= d; r -= d
		exit !(f < 4 && f > -4 && r < 2 && r > -2) }'
}

# Not by ctl: a signal is for the program, not for a shell.
"$B/vgpuctl" --socket "$host/control" record --delay 0.4 "$out/recording.jsonl" \
	> "$work/record.log" 2>&1 &
recorder=$!
test_pids+=($recorder)
phases() {
	local ok=0
	phase 100 50.0 || ok=1
	phase 300 75.0 || ok=1
	phase 100 50.0 || ok=1
	return $ok
}
exec 3>&1
check "the share follows the weight within a second" phases
kill -INT $recorder 2> /dev/null
wait $recorder
ctl trace "$out/trace.json" > "$work/trace.log" 2>&1
ctl top -n 2 -d 1 -b > "$out/top.txt" 2>&1
check "it was recorded" test "$(grep -c monotonic_ns "$out/recording.jsonl")" -ge $((seconds * 4))
picture_is_made() {
	ctl plot "$out/recording.jsonl" "$out/shares.svg" &&
		grep -q '>one: weight=300<' "$out/shares.svg" &&
		grep -q stroke-dasharray "$out/shares.svg"
}
check "the picture shows it" picture_is_made
echo "[$results]" > "$out/report.json"
cat "$work/record.log" "$work/trace.log" "$out/top.txt" | diag
note "$out: shares.svg, recording.jsonl, trace.json, report.json"
finish
