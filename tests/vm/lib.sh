# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# lib.sh - what the tests on QEMU share; sourced, needs bash
#
# A test calls plan, then check once for each promise, and ends with finish.
# Whatever it starts through vm_start is ended with it.

set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../scripts/lib.sh"
B=${B:-$top/build}
case $B in /*) ;; *) B=$top/$B ;; esac
vmctl=$B/tests/vm/vmctl
# Kept after the test: pictures and logs are what one wants to see.
work=${VM_WORK:-$B/check/vm}/$(basename "$0" .sh)
rm -rf "$work"
mkdir -p "$work"

planned=0 number=0 failed=0 test_pids=()

plan() { planned=$1; echo "1..$1"; }
diag() { sed 's/^/# /'; }
note() { printf '# [%4d s] %s\n' "$SECONDS" "$*"; }
skip_all() { echo "1..0 # SKIP $*"; exit 77; }

# check NAME COMMAND...: one test; what the command prints is shown if it fails
check() {
	local title=$1 status=0
	shift
	number=$((number + 1))
	# Not in a subshell: what it starts and sets stays known here.
	"$@" > "$work/output" 2>&1 || status=$?
	if [ $status = 0 ]; then
		echo "ok $number $title"
	else
		echo "not ok $number $title"
		{ echo "status $status: $*"; cat "$work/output"; } | tail -n 25 | diag
		failed=$((failed + 1))
	fi
	return $status
}

# bail WHY: nothing after this makes sense
bail() {
	while [ $number -lt "$planned" ]; do
		number=$((number + 1))
		failed=$((failed + 1))
		echo "not ok $number not reached: $1"
	done
	finish
}

finish() {
	[ "$number" = "$planned" ] || { echo "# planned $planned, ran $number"; failed=1; }
	exit $((failed > 0))
}

end_pid() {
	kill "$1" 2> /dev/null || return 0
	timeout 10 tail --pid="$1" -f /dev/null 2> /dev/null || kill -KILL "$1" 2> /dev/null
	wait "$1" 2> /dev/null || true
}
end_all() {
	local i
	# The last started first: VMs before what serves them.
	for ((i = ${#test_pids[@]} - 1; i >= 0; i--)); do end_pid "${test_pids[i]}"; done
	[ -z "${host:-}" ] || rm -rf "$host"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# vm_start NAME RUN-VM-OPTION...: its files are in $work/NAME
vm_start() {
	local name=$1
	shift
	mkdir -p "$work/$name"
	rm -f "$work/$name/ready"
	"$top/scripts/run-vm" --wait --name "$name" --dir "$work/$name" "$@" \
		> "$work/$name/run-vm.log" 2>&1 &
	printf %s $! > "$work/$name/run-vm.pid"
	test_pids+=($!)
}

# vm_ready NAME [SECONDS]: waits until its guest answers
vm_ready() {
	local pid limit=${2:-120} begin=$SECONDS
	pid=$(cat "$work/$1/run-vm.pid")
	until [ -e "$work/$1/ready" ]; do
		if ! kill -0 "$pid" 2> /dev/null || [ $((SECONDS - begin)) -gt "$limit" ]; then
			echo "VM $1 is not ready after $((SECONDS - begin)) s"
			cat "$work/$1/run-vm.log" "$work/$1/backend.log" 2> /dev/null | tail -n 20
			return 1
		fi
		sleep 0.3
	done
}

vm_stop() { end_pid "$(cat "$work/$1/run-vm.pid")"; }

# vm NAME SECONDS COMMAND: in its guest
vm() { "$vmctl" exec "$work/$1/cmd" "$2" "$3"; }
qmp() { local name=$1 limit=$2; shift 2; "$vmctl" qmp "$work/$name/qmp" "$limit" "$@"; }
qmp_ms() { "$vmctl" time "$work/$1/qmp" "$2" "$3"; }

# shot NAME FILE: a picture of its screen, $work/FILE
shot() {
	qmp "$1" 10 "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"$work/$2\",\"format\":\"png\"}}"
}

# ---- a host of its own: vgpud with one VM ----

# host_start NAME...: vgpud serves these VMs; run-vm takes --socket $host/NAME.sock
host_start() {
	local name i
	# Sockets have short paths, and a build folder may have a long one.
	host=$(mktemp -d "${TMPDIR:-/tmp}/vgpu-test.XXXXXX")
	{
		printf '[vgpud]\ncontrol-socket=%s/control\nruntime-dir=%s\n' "$host" "$host"
		printf 'endpoint=%s/vgpu-endpoint\nworker=%s/vgpu-worker\n' "$B" "$B"
		[ -z "${VGPU_RENDER_NODE:-}" ] || echo "render-node=$VGPU_RENDER_NODE"
		for name; do printf '[vm %s]\nsocket=%s/%s.sock\n' "$name" "$host" "$name"; done
	} > "$work/vgpud.conf"
	"$B/vgpud" --config "$work/vgpud.conf" > "$work/vgpud.log" 2>&1 &
	host_pid=$!
	test_pids=("$host_pid" "${test_pids[@]}")
	for ((i = 0; i < 300; i++)); do
		[ ! -S "$host/$name.sock" ] || return 0
		sleep 0.1
	done
	cat "$work/vgpud.log"
	return 1
}

# vm_stat NAME FIELD: what vgpud knows of a VM
vm_stat() { "$B/vgpuctl" --socket "$host/control" --json show "$1" | "$vmctl" json "\$.$2"; }

# ---- processes ----

endpoint_pid() {
	if [ "${host:-}" ]; then vm_stat "$1" endpoint_pid; else cat "$work/$1/backend.pid"; fi
}
qemu_pid() { cat "$work/$1/qemu.pid"; }
# The youngest child of the endpoint that is a worker.
worker_pid() {
	local endpoint child found=
	endpoint=$(endpoint_pid "$1")
	for child in $(cat "/proc/$endpoint/task/"*/children 2> /dev/null); do
		case $(cat "/proc/$child/comm" 2> /dev/null) in vgpu-worker*) found=$child ;; esac
	done
	[ "$found" ] && echo "$found"
}

# cpu_ns PID: CPU time of a process, all its threads, by the kernel (which
# gives it in hundredths of a second)
cpu_ns() {
	local stat
	stat=$(cat "/proc/$1/stat") || return 1
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo $(((${12} + ${13}) * 10000000))
}

fd_count() { ls "/proc/$1/fd" | wc -l; }
map_count() { wc -l < "/proc/$1/maps"; }
rss_kb() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }

# ---- pictures ----

picture() { "$B/tests/vm/picture" "$@"; }

# screen_is NAME FILE WIDTH HEIGHT LIT: takes a picture; has it this size, and
# at least so many pixels that are not black?
screen_is() {
	local w h lit colours
	shot "$1" "$2" > /dev/null || return 1
	read -r w h lit colours < <(picture lit "$work/$2")
	[ "$w" = "$3" ] && [ "$h" = "$4" ] && [ "$lit" -ge "$5" ] && return
	echo "$2: ${w}x$h, $lit pixels not black, $colours colours; expected ${3}x$4 and $5"
	return 1
}

# screen_becomes SECONDS NAME FILE WIDTH HEIGHT LIT: the same, with patience
screen_becomes() {
	local limit=$1 begin=$SECONDS
	shift
	until screen_is "$@" > /dev/null 2>&1; do
		[ $((SECONDS - begin)) -lt "$limit" ] || { screen_is "$@"; return; }
		sleep 0.3
	done
}

# console_is FILE: the screen of the VM `vm` comes to look like it
console_is() {
	local i differ=all
	for ((i = 0; i < 50; i++)); do
		shot vm now.png > /dev/null || return 1
		differ=$(picture diff "$work/now.png" "$work/$1")
		[ "$differ" != 0 ] || return 0
		sleep 0.2
	done
	echo "the screen differs in $differ pixels from $1 (see now.png)"
	return 1
}

check_gears() { "$B/tests/vm/check-gears" "$@"; }

# Starts Xorg and glxgears, and waits until it has drawn for some seconds.
gears_start() { # name
	vm "$1" 150 gears
}
