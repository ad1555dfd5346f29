#!/bin/bash
# SPDX-License-Identifier: MIT
# test-intree.sh - the driver of Debian's own kernel on our back end
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"

glmark2_runs() { # PROGRAM SCENE...: scores, and says no error
	local program=$1 scenes=
	shift
	for scene; do scenes+=" -b $scene:duration=1.5"; done
	vm vm 120 "$program --size 320x240 $scenes 2>&1" > "$work/$program.txt" || { cat "$work/$program.txt"; return 1; }
	grep -q 'GL_RENDERER: *virgl' "$work/$program.txt" && ! grep -iE 'error|unsupported' "$work/$program.txt" &&
		[ "$(grep -c 'FPS: [1-9]' "$work/$program.txt")" = $# ] && grep -q 'glmark2 Score: [1-9]' "$work/$program.txt" ||
		{ cat "$work/$program.txt"; return 1; }
}
guest_gears_refused() {
	local output
	vm vm 60 'kill $(cat /run/gears.pid); LIBGL_ALWAYS_SOFTWARE=1 gears' || return 1
	shot vm soft-1.png && sleep 1 && shot vm soft-2.png > /dev/null || return 1
	renderer=$(vm vm 10 'sed -n "s/^GL_RENDERER *= //p" /run/gears.log')
	check_gears "$work/soft-1.png" "$work/soft-2.png" || return 1
	output=$(check_gears --renderer "$renderer" "$work/soft-1.png" "$work/soft-2.png") && return 1
	echo "$output" | grep 'did not render through the host'
}

# Each is a connection of its own: the next begins while the guest sees the last end.
guest_answers() {
	local i
	for ((i = 0; i < 50; i++)); do vm vm 10 true || { echo "command $i"; return 1; }; done
}

plan 11
check "vgpud starts" host_start vm || bail "no vgpud"
vm_start vm --driver intree --socket "$host/vm.sock" --inject "$work/inject"
check "the guest boots" vm_ready vm || bail "no guest"
check "the guest answers 50 commands in a row" guest_answers
check "the in-tree driver has the device" eval \
	'vm vm 10 "dmesg" | grep -F "[drm] features: +virgl +edid"'
check "our capset is the last, and does not disturb it" eval \
	'vm vm 10 "dmesg" | grep -F "[drm] cap set 2: id 29"'
check "the console is on the screen" screen_becomes 20 vm console.png 1280 800 3000
check "the console is not taken for gears" eval '! check_gears "$work/console.png"'
check "glxgears runs" gears_start vm || bail "no glxgears"
jobs=$(vm_stat vm jobs)
shot vm gears-1.png > /dev/null
sleep 1
shot vm gears-2.png > /dev/null
check "the gears are on the screen, by our renderer" check_gears \
	--renderer "$(vm vm 10 'sed -n "s/^GL_RENDERER *= //p" /run/gears.log')" \
	--jobs "$jobs" "$(vm_stat vm jobs)" "$work/gears-1.png" "$work/gears-2.png"
check "gears that the guest draws itself are told apart" guest_gears_refused
vm vm 10 'kill $(cat /run/gears.pid)'
check "glmark2 runs" glmark2_runs glmark2 build texture shading
finish
