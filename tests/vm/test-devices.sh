#!/bin/bash
# SPDX-License-Identifier: MIT
# test-devices.sh - vhost-user-vga, and vhost-user-gpu on virtio-mmio (microvm)
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"

renders() { # NAME
	vm "$1" 40 'gpu-load 1 20' > "$work/$1/renders.txt" 2>&1 &&
		grep -q '^renderer virgl' "$work/$1/renders.txt" && grep -q '^frames [1-9]' "$work/$1/renders.txt" ||
		{ cat "$work/$1/renders.txt"; return 1; }
}

plan 12
# No vgpud here: the endpoint that run-vm starts works alone.
for case in "vga vhost-user-vga intree" "mmio vhost-user-gpu intree" "mmio-ours vhost-user-gpu ours"; do
	read -r name device driver <<< "$case"
	vm_start "$name" --device "$device" --driver "$driver" --mem 512M --inject "$work/inject"
	check "$device, $driver driver: the guest boots" vm_ready "$name"
	check "$device, $driver driver: the console is on the screen" \
		screen_becomes 20 "$name" "$name.png" 1280 800 2000
	check "$device, $driver driver: a GL program renders by virgl" renders "$name"
	check "$device, $driver driver: QEMU logged nothing" eval '! cat "$work/$name/qemu.log" | grep .'
	vm_stop "$name"
done
finish
