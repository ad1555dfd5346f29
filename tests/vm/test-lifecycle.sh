#!/bin/bash
# SPDX-License-Identifier: MIT
# test-lifecycle.sh - reboot, unbind and bind, stop and cont, ten times each, under load
#
# The connection lives, the renderer is clean after each, nothing leaks.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"
rounds=${ROUNDS:-10}

# What the processes hold: descriptors and mappings of the endpoint, and of the
# worker once it has come to rest; memory in MiB.
holdings() {
	local endpoint worker
	endpoint=$(endpoint_pid vm)
	worker=$(vm_stat vm worker_pid)
	echo "$(fd_count "$endpoint") $(map_count "$endpoint") $(($(rss_kb "$endpoint") / 1024))" \
		"$(fd_count "$worker") $(map_count "$worker") $(($(rss_kb "$worker") / 1024))"
}
steady() { # NAME BEFORE AFTER: no more of anything, but for what allocators keep
	local -a b a
	read -ra b <<< "$2"
	read -ra a <<< "$3"
	echo "# $1: endpoint and worker, descriptors mappings MiB each: $2, then $3" >&3
	[ ${#a[@]} = 6 ] && [ "${a[0]}" -le $((b[0] + 1)) ] && [ "${a[1]}" -le $((b[1] + 4)) ] &&
		[ "${a[2]}" -le $((b[2] + 4)) ] && [ "${a[3]}" -le $((b[3] + 2)) ] &&
		[ "${a[4]}" -le $((b[4] + 24)) ] && [ "${a[5]}" -le $((b[5] + 48)) ] ||
		{ echo "before: $2; after: $3"; return 1; }
}
exec 3>&1
load() { vm vm 10 "setsid gpu-load ${1:-60} 60 > /run/load.log 2>&1 < /dev/null & sleep 1"; }
end_load() { vm vm 10 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2> /dev/null)" != gpu-load ] || kill -9 ${p#/proc/}; done; true'; }
renders() {
	vm vm 40 'gpu-load 1 20' > "$work/renders.txt" &&
		grep -q '^renderer virgl' "$work/renders.txt" && grep -q '^frames [1-9]' "$work/renders.txt" ||
		{ cat "$work/renders.txt"; return 1; }
}
same_connection() { # vgpud counts them
	[ "$(vm_stat vm connections)" = 1 ] || { echo "$(vm_stat vm connections) connections"; return 1; }
}
# renderer_holds CONTEXTS RESOURCES: of the guest; it may take a moment to get there
renderer_holds() {
	local i holds
	for ((i = 0; i < 50; i++)); do
		holds="$(vm_stat vm contexts) $(vm_stat vm resources)"
		[ "$holds" != "$1 $2" ] || return 0
		sleep 0.1
	done
	echo "contexts and resources: $holds, expected $1 $2"
	return 1
}

unbind_round() {
	load > /dev/null || return 1
	vm vm 30 'release-console; bind-gpu unbind' || return 1
	renderer_holds 0 0 || return 1
	end_load
	vm vm 30 bind-gpu
}

reboot_round() {
	local id
	id=$(vm vm 10 'cat /proc/sys/kernel/random/boot_id') || return 1
	load > /dev/null || return 1
	vm vm 5 'busybox reboot -f' > /dev/null 2>&1
	local begin=$SECONDS now
	until now=$(vm vm 5 'cat /proc/sys/kernel/random/boot_id' 2> /dev/null) && [ "$now" != "$id" ]; do
		[ $((SECONDS - begin)) -lt 90 ] || { echo "the guest does not come back"; return 1; }
		sleep 0.3
	done
	# The console's as after the first boot, and no more.
	# shellcheck disable=SC2086
	renderer_holds $console_holds
}

stop_round() {
	local ms
	[ "$(vm vm 5 'busybox pidof gpu-load')" ] || load 120 > /dev/null || return 1
	sleep "0.$((RANDOM % 8 + 1))"
	ms=$(qmp_ms vm 5 stop) || return 1
	[ "$ms" -lt 1500 ] || { echo "stop took $ms ms"; return 1; }
	ms=$(qmp_ms vm 5 cont) || return 1
	[ "$ms" -lt 1500 ] || { echo "cont took $ms ms"; return 1; }
	vm vm 10 true
}

rounds_of() { # WHAT: as often as asked; the first settles what is kept for good
	local i
	for ((i = 1; i <= rounds; i++)); do
		"$1_round" || { echo "in round $i of $1"; return 1; }
		echo "# [$SECONDS s] $1 $i of $rounds" >&3
		[ $i != 2 ] || { end_load; renders && sleep 1; before=$(holdings); }
	done
	end_load
	renders && sleep 1
	after=$(holdings)
}

plan 14
check "vgpud starts" host_start vm || bail "no vgpud"
vm_start vm --driver "${DRIVER:-intree}" --socket "$host/vm.sock" --inject "$work/inject"
check "the guest boots" vm_ready vm || bail "no guest"
screen_becomes 20 vm console.png 1280 800 2000 > /dev/null
console_holds="$(vm_stat vm contexts) $(vm_stat vm resources)"
for what in stop unbind reboot; do
	check "$what, $rounds times under load" rounds_of $what || bail "$what"
	check "$what: a GL program runs" renders
	check "$what: the connection has lived" same_connection
	check "$what: nothing leaked" steady $what "$before" "$after"
done
finish
