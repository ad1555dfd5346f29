#!/bin/bash
# SPDX-License-Identifier: MIT
# check-panic.sh - the kernel's last words are on the screen (Linux 7.2: older ones of
# Debian's have no drm_panic)
. "$(dirname "$0")/lib.sh"

lit() { local w h n c; shot vm "$1" > /dev/null && read -r w h n c < <(picture lit "$work/$1") && echo "$n"; }
shows_panic() { # a QR code is more than any text
	local i before after=0
	before=$(lit before.png) || return 1
	# it never answers
	vm vm 3 'echo c > /proc/sysrq-trigger'
	for ((i = 0; i < 30; i++)); do
		after=$(lit after.png) || return 1
		[ "$after" -lt $((before + 80000)) ] || return 0
		sleep 1
	done
	echo "$before pixels were not black, $after after the panic"
	return 1
}

plan 3
vm_start vm --driver ours --kernel 7.2 --append panic=0
check "the guest boots" vm_ready vm 180 || bail "no guest"
check "the console is on the screen" screen_becomes 20 vm console.png 1280 800 3000
check "a panic is shown" shows_panic
finish
