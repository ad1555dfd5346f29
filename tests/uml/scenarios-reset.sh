# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154,SC2034  # $dir is init.sh's, $pids goes to start_load
#
# scenarios-reset.sh - the device is reset: by hand, and because the host is
# dead, or seems so; part of scenarios.sh

reset_file=/sys/kernel/debug/dri/0/reset
dog() { echo "$1" > /sys/module/vgpu/parameters/watchdog; }
resets() { cat $reset_file; }

load_watched() { within 20 "$dir/modctl" load "$dir/vgpu.ko" "watchdog=$1"; }

# Who sleeps where no signal reaches it, for longer than a moment?
nobody_stuck() {
	sleep 0.5
	first=$(stuck_tasks)
	[ -n "$first" ] || return 0
	sleep 1
	for task in $(stuck_tasks); do
		case " $first " in *" $task "*)
			cat "/proc/$task/comm" "/proc/$task/stack"
			return 1;;
		esac
	done
}
stuck_tasks() {
	for stat in /proc/[0-9]*/stat; do
		# after the name, which may have any characters
		sed -n 's/^\([0-9]*\) .*) D .*/\1/p' "$stat" 2> /dev/null
	done | tr '\n' ' '
}

# within SECONDS there were N resets
resets_become() {
	tries=$(($2 * 5))
	while [ $tries -gt 0 ]; do
		[ "$(resets)" -lt "$1" ] || break
		tries=$((tries - 1))
		sleep 0.2
	done
	resets_are "$1"
}
resets_are() {
	[ "$(resets)" = "$1" ] && return
	echo "$(resets) resets, not $1"
	return 1
}

reset_round() {
	start_load mix 3d renderD128 renderD128
	start_load flood 3d renderD128 card0
	start_load mix 2d card0
	sleep 0.4
	within 10 sh -c "echo 1 > $reset_file" || return 1
	nobody_stuck || return 2
	end_load || return 3
	within 20 "$dir/resett" work || return 4
}

# By hand, on a host that is well.
run_reset() {
	pids=''
	check "load" load
	check "what a program sees of a reset" within 20 "$dir/resett" lost $reset_file
	check "200 of 200 pixels are right afterwards" gl_once
	echo clear > /sys/kernel/debug/kmemleak
	for n in 1 2 3 4 5; do check "reset under load $n" reset_round; done
	check "200 of 200 pixels are right afterwards" gl_once
	check "errno contract afterwards" within 60 "$dir/ioctlt" 3d
	check "each was counted" resets_are 6
	cat /sys/kernel/debug/dri/0/vgpu
	start_load mix 3d renderD128
	(sleep 0.3; echo 1 > $reset_file) &
	sleep 0.3
	check "unbind beside a reset" unbind
	check "programs end" end_load
	unload_checked
	no_leak
}

no_leak() {
	sleep 6		# kmemleak looks at what is older than 5 s
	echo scan > /sys/kernel/debug/kmemleak
	echo scan > /sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak > leaks
	if grep -q 'vgpu' leaks; then
		cat leaks
		not_ok "no memory leaked" "see the log"
	else
		ok "no memory leaked"
	fi
}

# The host stops to answer, until it is reset.
run_deaf_once() {
	pids=''
	check "load" load_watched 3
	start_load mix 3d renderD128
	start_load flood 3d renderD128 card0
	check "the host is reset" resets_become 1 8
	check "nobody is stuck" nobody_stuck
	check "programs end" end_load
	check "a new program works" within 20 "$dir/resett" work
	check "errno contract afterwards" within 60 "$dir/ioctlt" 3d
	check "one reset was enough" resets_are 1
	unload_checked
}

# The same twice; what is refused in the guest is no answer of the host.
run_deaf_twice() {
	pids=''
	check "load" load_watched 3
	"$dir/resett" refused &
	pids=$!
	check "the host is reset" resets_become 1 8
	start_load mix 3d renderD128
	check "and again" resets_become 2 8
	check "programs end" end_load
	check "a new program works" within 20 "$dir/resett" work
	unload_checked
}

# The host answers a number that was not asked: the ring is broken.
run_index() {
	pids=''
	check "load" load_watched 3
	start_load mix 3d renderD128 card0
	check "the host is reset" resets_become 1 8
	check "programs end" end_load
	check "a new program works" within 20 "$dir/resett" work
	check "one reset was enough" resets_are 1
	unload_checked
}

# Every second command is never answered, and no reset helps.
run_half() {
	pids=''
	check "load takes bounded time" load_watched 2
	start_load mix 3d renderD128
	start_load flood 3d renderD128 card0
	check "every fence is signalled" within 30 "$dir/resett" fences 100 20
	check "nobody is stuck" nobody_stuck
	check "programs end" end_load
	start_load flood 3d renderD128
	sleep 3
	check "unbind" unbind
	check "programs end after it" end_load
	unload_checked
}

# No answer to anything, ever: given up, and everything fails at once.
run_dead() {
	pids=''
	(sleep 3; dog 2) &
	check "load takes bounded time" load 14
	start_load mix 3d renderD128 card0
	start_load flood 3d renderD128 card0
	"$dir/resett" fences 50 15 > fences.out
	cat fences.out
	check "every fence is signalled, or none was made" \
		grep -qE ' 0 never|No such device|Input/output' fences.out
	check "nobody is stuck" nobody_stuck
	check "programs end" end_load
	check "it was reset once" resets_become 1 10
	sleep 2
	check "then it is dead" grep -q '^control: dead' /sys/kernel/debug/dri/0/vgpu
	within 20 "$dir/kmst" > kms.out
	check "mode setting does not wait" [ $? -lt 2 ]
	check "unbind" unbind
	unload_checked
}

# For a while only queries are answered: that is no reason to reset.
run_share() {
	check "load" load_watched 2
	check "every fence signals well" sh -c \
		"timeout 60 $dir/resett fences 300 40 | tee fences.out; grep '300 well' fences.out"
	check "there was no reset" resets_are 0
	unload_checked
}

# The host takes one command after the other, and its time.
run_slow() {
	check "load" load_watched 4
	check "every fence signals well" sh -c \
		"timeout 60 $dir/resett fences 4 50 | tee fences.out; grep '4 well' fences.out"
	check "there was no reset" resets_are 0
	unload_checked
}
