#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh - tests vgpu.ko in User Mode Linux, on a real back end and on bad ones
#
# usage: run.sh [--kernel NAME] [--backend COMMAND] [--contrib] [--seconds N] [--seed N] [SCENARIO]...
#
#   --kernel NAME      6.1, 6.12 or 7.2, with -kasan as well          [6.1]
#   --backend COMMAND  shell command of the back end under test, which finds the
#                      socket's path in $SOCKET, and $VIRGL is --virgl or empty
#                      (default: build/vgpu-endpoint)
#   --seconds N        how long the scenarios fuzz and noise go on       [10]
#   --seed N           what they do, as printed by the run that failed
#   --contrib          QEMU's own vhost-user-gpu, rendering on the CPU
#   SCENARIO           gl cycle unplug kms coexist recover deaf reverse liar-MODE
#                      reset deaf-once deaf-twice index dead share fuzz noise import; half slow
#                      (default: all but the last two; see
#                      scenarios.sh, scenarios-reset.sh and fake-backend.c)
#
# Builds what it needs (the kernel once: 2 to 8 minutes), then boots once for
# each scenario, some seconds each. Prints TAP; the logs are in build/uml, or
# build/uml-NAME. Exit status 0 only if all is well.
# shellcheck disable=SC2317,SC2329  # cleanup runs from the trap
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/${B:-build}
out=$build/uml

usage() { sed -n '/^# run.sh/,/^set/{/^set/d;/shellcheck/d;s/^# \{0,1\}//p}' "$0"; }
die() { echo "run.sh: $*" >&2; exit 1; }

# shellcheck disable=SC2016  # $SOCKET is for the shell that starts it
backend='exec '"$build"'/vgpu-endpoint --socket-path="$SOCKET" $VIRGL'
contrib='' host=ours scenarios=() kernel_name=6.1 seconds=10 seed=$((RANDOM * 32768 + RANDOM + 1))
while [ $# -gt 0 ]; do
	case $1 in
	--backend) backend=${2:?--backend needs a command}; shift;;
	--contrib) contrib=1 host=other;;
	--seconds) seconds=${2:?--seconds needs a number}; shift;;
	--seed) seed=${2:?--seed needs a number}; shift;;
	--kernel) kernel_name=${2:?--kernel needs a name}; shift;;
	-h|--help) usage; exit 0;;
	-*) usage >&2; exit 2;;
	*) scenarios+=("$1");;
	esac
	shift
done

[ "$kernel_name" = 6.1 ] || out=$out-$kernel_name
mkdir -p "$out"
exec 8> "$out/.run.lock"
flock -n 8 || { echo "# waiting for another run" && flock 8; }

# ---- build --------------------------------------------------------------------

linux=$("$here/build-uml.sh" "$kernel_name") || die "no kernel to test with"
kernel=$(dirname "$linux")
"$top/scripts/build-module" --kdir "$kernel" "$out" ARCH=um SUBARCH=x86_64 \
	> "$out/module.log" 2>&1 8>&- || { cat "$out/module.log" >&2; die "vgpu.ko does not build"; }
# A module of the tests' own, which asks the driver what only modules can.
mkdir -p "$out/uuidt"
cp -u "$here/uuidt.c" "$out/uuidt/"
echo 'obj-m := uuidt.o' > "$out/uuidt/Kbuild"
make -C "$kernel" M="$out/uuidt" ARCH=um SUBARCH=x86_64 modules > "$out/uuidt.log" 2>&1 8>&- ||
	{ cat "$out/uuidt.log" >&2; die "uuidt.ko does not build"; }
cp -u "$out/uuidt/uuidt.ko" "$out/"
find "$kernel" -name '*.ko' -exec cp -u -t "$out" {} +

make -s -C "$top" "${B:-build}/libvgpu.a" >&2 || die "libvgpu.a does not build"
flags=(-O2 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE)
drm=$(pkg-config --cflags libdrm) || die "libdrm-dev is missing"
glib=$(pkg-config --cflags --libs glib-2.0) || die "libglib2.0-dev is missing"
# shellcheck disable=SC2086  # flags are words
{
	cc "${flags[@]}" -static -o "$out/modctl" "$here/modctl.c" &&
	cc "${flags[@]}" -o "$out/eglt" "$here/eglt.c" -ldl &&
	cc "${flags[@]}" -o "$out/kmst" "$here/kmst.c" $drm -ldrm &&
	for tool in ioctlt loadt ordert resett uapit blobt importt fuzzt; do
		cc "${flags[@]}" -I"$top" -o "$out/$tool" "$here/$tool.c" $drm -lpthread || break
	done &&
	cc "${flags[@]}" -I"$top" -I"$top/vhost-user-backend" -o "$out/fake-backend" \
		"$here/fake-backend.c" "$build/libvgpu.a" $glib
} || die "the test programs do not build"

if [ -n "$contrib" ]; then
	program=$(command -v vhost-user-gpu || echo /usr/lib/qemu/vhost-user-gpu)
	[ -x "$program" ] || die "QEMU's vhost-user-gpu is not installed"
	cc -O2 -shared -fPIC -o "$out/shim.so" -D_GNU_SOURCE "$here/../bench/surfaceless-shim.c" -ldl ||
		die "the shim does not build"
	backend='export EGL_PLATFORM=surfaceless LIBGL_ALWAYS_SOFTWARE=1; '
	backend+="LD_PRELOAD=$out/shim.so exec $program -s \"\$SOCKET\" \${VIRGL:+-v}"
elif [ ${#scenarios[@]} = 0 ] || [[ " ${scenarios[*]} " =~ \ (gl|cycle|unplug|kms|coexist|recover|reset|fuzz)\  ]]; then
	make -s -C "$top" "${B:-build}/vgpu-endpoint" "${B:-build}/vgpu-worker" >&2 ||
		die "the back end does not build"
fi

# Every second, five times: the worker that a back end started from this shell
# shellcheck disable=SC2016  # it runs in that shell
kill_workers='for round in 1 2 3 4 5; do sleep 1; for stat in /proc/[0-9]*/stat; do
	read -r pid comm state parent rest < $stat || continue
	[ "$comm $parent" != "(vgpu-worker) $$" ] || kill -9 $pid
done 2> /dev/null; done'

# ---- run ----------------------------------------------------------------------

# What the kernel says when something is wrong. Read from "UML up" on: at its
# own start, UML trips over lockdep itself.
bad='BUG:|WARNING:|INFO: (possible|task|trying|rcu)|suspicious RCU|sleeping function'
bad+='|Oops|KASAN|general protection|Kernel panic|refcount_t|Objects remaining'
bad+='|scheduling while atomic|possible circular|inconsistent lock|list_(add|del) corruption'
bad+='|Redzone|Poison overwritten|hung_task|blocked for more|Segfault|SIGSEGV'

number=0 failures=0
report() { # ok|not ok, name[: reason]
	number=$((number + 1))
	echo "$1 $number - $2"
	[ "$1" = ok ] || failures=$((failures + 1))
}

# With KASAN, 7.2's allocator finds fault with its own poison at the first cache
# of all, and lockdep goes to sleep. KASAN looks after the same things.
words=()
[ "$kernel_name" != 7.2-kasan ] || words=(slab_debug=-)

# One boot; its console, errors and status are then in files of its name.
boot_one() { # scenario, function in scenarios.sh, back end, seconds
	local name=$1 log=$out/$1.log child status
	trap 'kill -TERM "$child" && wait "$child"; exit 143' TERM
	trap '' INT
	"$here/uml-run.sh" -k "$linux" -t "$4" -l "$log" -b "$3" "$here/init.sh" \
		vgpu.dir="$out" vgpu.run="$2" vgpu.host="$host" vgpu.seconds="$seconds" \
		vgpu.seed="$seed" "${words[@]}" 8>&- > "$out/$name.console" 2> "$out/$name.errors" &
	child=$!
	wait "$child"
	status=$?
	cat "$out/$name.errors" >> "$log"
	echo "$status" > "$out/$name.status"
}

# They wait more than they compute: two at a time.
booted=()
boot() {
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
	rm -f "$out/$1.status"
	boot_one "$@" 2> /dev/null &
	booted+=("$1")
}

judge() { # scenario
	local name=$1 console=$out/$1.console line status ended
	status=$(cat "$out/$name.status" 2> /dev/null)
	while read -r line; do
		case $line in
		"ok "*) report ok "$name: ${line#ok }";;
		"not ok "*) report "not ok" "$name: ${line#not ok }";;
		esac
	done < <(grep -E '^(not )?ok ' "$console")
	ended=$(cat "$out/$name.errors")
	if [ "$status" = 0 ]; then
		report ok "$name: ran to its end"
	else
		report "not ok" "$name: ran to its end: status ${status:-unknown}: $ended"
	fi
	# Not ours: the kernel's own driver leaks its address space with commands in
	# flight, and virtio_uml warns when it cannot talk to a back end that died.
	case $name in
	coexist) sed -i '/WARNING: .*drm_mm.c:/d' "$console";;
	unplug) sed -i '/WARNING: .*virtio_uml.c:/d' "$console";;
	esac
	if grep -qE "$bad" "$console"; then
		report "not ok" "$name: the kernel is content: $(grep -m1 -E "$bad" "$console")"
		grep -E -A 40 "$bad" "$console" | head -n 60 | sed 's/^/# /'
	else
		report ok "$name: the kernel is content"
	fi
}

cleanup() {
	local pids
	mapfile -t pids < <(jobs -rp)
	[ ${#pids[@]} = 0 ] || { kill -TERM "${pids[@]}" && wait; } 2> /dev/null
	rm -f "$out"/*.console "$out"/*.errors "$out"/*.status
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

[ ${#scenarios[@]} -gt 0 ] || {
	scenarios=(gl cycle unplug deaf reverse deaf-once deaf-twice index dead share)
	[ -n "$contrib" ] || scenarios+=(kms coexist recover reset fuzz)	# it has no outputs without QEMU
	for mode in honest refuse empty short long noise ones fuzz; do
		scenarios+=("liar-$mode")
	done
	scenarios+=(noise import)
}
for scenario in "${scenarios[@]}"; do
	case $scenario in
	gl) boot gl gl "VIRGL=--virgl; $backend" 120;;
	cycle) boot cycle cycle "VIRGL=--virgl; $backend" 180;;
	unplug) boot unplug unplug "VIRGL=--virgl; (sleep 5; kill -9 \$\$) & $backend" 60;;
	kms) boot kms kms "VIRGL=; $backend" 180;;
	coexist) boot coexist coexist "VIRGL=--virgl; $backend" 120;;
	recover) boot recover recover "VIRGL=--virgl; ($kill_workers) & $backend" 120;;
	deaf) boot deaf deaf "exec $out/fake-backend deaf \"\$SOCKET\"" 120;;
	reverse) boot reverse reverse "exec $out/fake-backend reverse \"\$SOCKET\"" 90;;
	reset) boot reset reset "VIRGL=--virgl; $backend" 120;;
	deaf-once|deaf-twice|half|index|share|slow)
		boot "$scenario" "${scenario//-/_}" "exec $out/fake-backend $scenario \"\$SOCKET\"" 120;;
	dead) boot dead dead "exec $out/fake-backend deaf \"\$SOCKET\"" 120;;
	fuzz) boot fuzz fuzz "VIRGL=--virgl; $backend" $((seconds + 180));;
	noise) boot noise noise "exec $out/fake-backend chaos \"\$SOCKET\" $seed" $((seconds + 180));;
	import) boot import import "exec $out/fake-backend blobs \"\$SOCKET\"" 60;;
	liar-*) boot "$scenario" liar "exec $out/fake-backend ${scenario#liar-} \"\$SOCKET\"" 90;;
	*) die "there is no scenario '$scenario'";;
	esac
done
wait
for scenario in "${booted[@]}"; do judge "$scenario"; done
echo "1..$number"
[ "$failures" = 0 ]
