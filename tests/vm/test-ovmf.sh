#!/bin/bash
# SPDX-License-Identifier: MIT
# test-ovmf.sh - OVMF's boot splash over our back end: 2D, and no Linux
. "$(dirname "$0")/lib.sh"

plan 4
vm_start vm --ovmf --mem 256M --smp 1
check "OVMF starts" vm_ready vm 30
# Its logo is a few thousand pixels of many colours; before the driver has a
# screen, QEMU shows a line of text at 640x480.
check "the splash is on the screen" screen_becomes 60 vm splash.png 1280 800 2000
check "QEMU answers within a second" eval '[ "$(qmp_ms vm 5 query-status)" -lt 1000 ]'
check "OVMF is reset and shows it again" eval 'qmp vm 5 system_reset > /dev/null &&
	sleep 1 && screen_becomes 60 vm splash-2.png 1280 800 2000'
finish
