# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154,SC2086,SC2120  # $dir is init.sh's, $pids are words
#
# scenarios.sh - what the tests do inside User Mode Linux

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; }

# check NAME COMMAND...: the command's own output is for the log
check() {
	name=$1
	shift
	"$@"
	status=$?
	case $status in
	0) ok "$name";;
	124|137) not_ok "$name" "took too long";;
	*) not_ok "$name" "ended with $status";;
	esac
}

# within SECONDS COMMAND...
within() { timeout -k 1 "$@"; }

load_drm() {
	for m in cfbcopyarea cfbfillrect cfbimgblt syscopyarea sysfillrect sysimgblt fb_sys_fops \
		virtio_dma_buf drm_panel_orientation_quirks i2c-core drm drm_kms_helper drm_client_lib \
		drm_exec drm_shmem_helper
	do
		[ ! -f "$dir/$m.ko" ] || "$dir/modctl" load "$dir/$m.ko" ||
			not_ok "load $m" "see above"
	done
}

load() { within "${1:-10}" "$dir/modctl" load "$dir/vgpu.ko"; }
# A fence that is not signalled yet holds the module, for a moment.
unload() {
	within 10 "$dir/modctl" unload vgpu 2> /dev/null || {
		sleep 1
		within 10 "$dir/modctl" unload vgpu
	}
}
unbind() { within "${1:-5}" sh -c 'echo virtio0 > /sys/bus/virtio/drivers/vgpu/unbind'; }
bind() { within 10 sh -c 'echo virtio0 > /sys/bus/virtio/drivers/vgpu/bind'; }
has_device() { [ -e /dev/dri/card0 ]; }
unload_checked() { check "unload" unload; }

# start_load HOW DIMENSION NODE...: pids go to $pids
start_load() {
	how=$1 dimension=$2
	shift 2
	for node; do
		"$dir/loadt" "$how" "$dimension" "/dev/dri/$node" &
		pids="$pids $!"
	done
}

# All of $pids must end by themselves or by SIGKILL, and soon.
end_load() {
	kill -9 $pids 2> /dev/null
	tries=20
	while [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		left=
		for p in $pids; do
			case $(sed 's/.*) //' "/proc/$p/stat" 2> /dev/null) in
			''|Z*) ;;
			*) left="$left $p";;
			esac
		done
		[ -n "$left" ] || break
		sleep 0.1
	done
	wait $pids 2> /dev/null
	for p in $left; do cat "/proc/$p/stack"; done
	pids=
	[ -z "$left" ]
}

gl_once() {
	within 60 "$dir/eglt" > gl.out 2>&1
	status=$?
	cat gl.out
	[ $status = 0 ] && grep -q 'renderer virgl' gl.out && grep -q '^200 .* all correct' gl.out
}

# ---- a host with virgl ------------------------------------------------------

# The tracepoints of one program's run, by the text of the kernel's own.
traced() {
	t=/sys/kernel/tracing
	mount -t tracefs trace $t 2> /dev/null
	echo 1 > $t/events/vgpu/enable || return 1
	within 60 "$dir/ioctlt" 3d > /dev/null
	echo 0 > $t/events/vgpu/enable
	cat $t/trace > trace.txt
	for event in \
		'vgpu_job_queue: dev=.*, fence=[1-9][0-9]*:[1-9][0-9]*, ring=control, job count:[0-9]*, hw job count:[0-9]*, client_id:[1-9]' \
		'vgpu_job_run: dev=.*, fence=[1-9].* hw job count:[1-9]' \
		'vgpu_job_done: fence=[1-9][0-9]*:[1-9][0-9]* signaled' \
		'vgpu_cmd_queue: .*vq=control type=0x207' 'vgpu_cmd_response: .*response=0x1100 error=0' \
		'vgpu_kick: ' 'vgpu_interrupt: '
	do
		grep -q "$event" trace.txt || { echo "no $event"; head -n 40 trace.txt; return 1; }
	done
}

# fdinfo and debugfs of a program that has the device open
shown() {
	start_load mix 3d renderD128
	sleep 0.5
	pid=${pids##* }
	for fd in /proc/$pid/fd/*; do
		case $(readlink "$fd") in /dev/dri/*) cat "/proc/$pid/fdinfo/${fd##*/}" > fdinfo.txt;; esac
	done
	cat /sys/kernel/debug/dri/0/vgpu_clients /sys/kernel/debug/dri/0/vgpu > debugfs.txt
	sleep 0.2
	cat /sys/kernel/debug/dri/0/vgpu >> debugfs.txt
	end_load
	cat fdinfo.txt debugfs.txt
	for line in '^drm-driver:.virtio_gpu' '^drm-client-id:.[1-9]' '^drm-engine-render:.[1-9][0-9]* ns' \
		'^drm-total-[a-z]*:.[1-9]'; do
		grep -q "$line" fdinfo.txt || { echo "no $line"; return 1; }
	done
	grep -q '^[1-9][0-9]* [1-9][0-9]* yes [1-9]' debugfs.txt &&
		grep -q '^control: in the last [0-9]* ms: kicks/s [1-9]' debugfs.txt
}

run_gl() {
	pids=''
	check "load" load
	check "200 of 200 pixels read back through Mesa are right" gl_once
	check "errno contract with 3D" within 60 "$dir/ioctlt" 3d
	check "tracepoints" traced
	check "fdinfo and debugfs" shown
	# a stranger's host has none of it
	if [ "$host" = ours ]; then
		check "contexts, rings, syncobjs, in-fences" within 60 "$dir/uapit"
		check "blobs, sharing, UUIDs" within 60 "$dir/blobt" "$dir/uuidt.ko"
	fi
	cat /sys/kernel/debug/dri/0/vgpu
	unload_checked
}

# A host without 3D that has blobs: buffers of other devices become some.
run_import() {
	check "load" load
	"$dir/modctl" load "$dir/vgem.ko"
	check "buffers of another device" within 30 "$dir/importt" yes
	"$dir/modctl" unload vgem
	unload_checked
}

# Random ioctls from several threads, then random answers.
run_fuzz() {
	check "load" load
	echo clear > /sys/kernel/debug/kmemleak
	check "random ioctls" within $((seconds + 60)) "$dir/fuzzt" "$seconds" "$seed"
	check "errno contract afterwards" within 60 "$dir/ioctlt" 3d
	unload_checked
	leak_checked
}

# A device that answers with random bytes, all kinds of them, again and again.
run_noise() {
	check "load" load 14
	if has_device; then
		within $((seconds + 60)) "$dir/fuzzt" "$seconds" "$seed"
		status=$?
		if [ $status -lt 2 ]; then ok "programs end"; else not_ok "programs end" "$status"; fi
		within 40 "$dir/kmst" | tail -n 3
		unbind 15
	fi
	unload_checked
}

cycle_once() {
	load || return 1
	start_load mix 3d renderD128 renderD128 card0
	sleep 0.3
	unbind || return 2
	end_load || return 3
	unload || return 4
}

run_cycle() {
	pids=''
	echo clear > /sys/kernel/debug/kmemleak
	for n in 1 2 3 4 5 6 7 8 9 10; do
		check "load, unbind under load, unload $n" cycle_once
	done
	load
	for n in 1 2 3 4 5 6 7 8 9 10; do
		start_load mix 3d renderD128
		sleep 0.1
		check "unbind and bind under load $n" rebind_once
	done
	check "errno contract afterwards" within 60 "$dir/ioctlt" 3d
	unload_checked
	leak_checked
}

leak_checked() {
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

rebind_once() {
	unbind || return 1
	end_load || return 2
	bind || return 3
	has_device
}

# The back end is killed while programs use the device.
run_unplug() {
	pids=''
	check "load" load
	start_load mix 3d renderD128 card0
	tries=100
	while has_device && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.1
	done
	if has_device; then
		not_ok "device goes with its back end" "it is still there"
	else
		ok "device goes with its back end"
	fi
	check "programs end" end_load
	unload_checked
}

# The worker is killed again and again; the device stays, new programs work.
run_recover() {
	pids=''
	check "load" load
	start_load mix 3d renderD128
	start_load mix 3d card0
	sleep 8
	check "no program waits for a lost answer" end_load
	check "200 of 200 pixels are right afterwards" gl_once
	check "errno contract afterwards" within 60 "$dir/ioctlt" 3d
	grep ^control /sys/kernel/debug/dri/0/vgpu
	unload_checked
}

# ---- a host without virgl ---------------------------------------------------

run_kms() {
	check "load" load
	check "errno contract without 3D" within 60 "$dir/ioctlt" 2d
	check "mode setting" within 60 "$dir/kmst"
	check "frame buffer console's device" sh -c \
		'head -c 100000 /dev/urandom > /dev/fb0'
	cat /sys/kernel/debug/dri/0/vgpu
	unload_checked
}

# ---- beside the kernel's own driver -------------------------------------------

intree_ioctls() {
	[ "$(readlink /sys/bus/virtio/devices/virtio0/driver)" ] &&
		within 20 "$dir/loadt" mix 2d /dev/dri/nothing 2> /dev/null
	has_device
}

run_coexist() {
	check "the kernel's driver binds" within 10 "$dir/modctl" load "$dir/virtio-gpu.ko"
	check "its device works" intree_ioctls
	check "load beside it" load
	within 10 sh -c 'echo virtio0 > /sys/bus/virtio/drivers/virtio_gpu/unbind'
	check "take the device over" bind
	check "errno contract" within 60 "$dir/ioctlt" 3d
	check "give it up" unbind
	check "the kernel's driver takes it back" within 10 sh -c \
		'echo virtio0 > /sys/bus/virtio/drivers/virtio_gpu/bind'
	unload_checked
	within 10 sh -c 'echo virtio0 > /sys/bus/virtio/drivers/virtio_gpu/unbind'
	"$dir/modctl" unload virtio_gpu
}

# ---- hosts that behave badly ----------------------------------------------------

# No answer to anything.
run_deaf() {
	pids=''
	check "load takes bounded time" load 14
	if has_device; then ok "device is there"; else not_ok "device is there" "no"; fi
	within 40 "$dir/kmst" > kms.out
	status=$?
	tail -n 3 kms.out
	if [ $status -lt 2 ]; then
		ok "mode setting does not wait for ever"
	else
		not_ok "mode setting does not wait for ever" "$status"
	fi
	start_load flood 3d renderD128 card0
	start_load mix 3d renderD128
	sleep 1
	grep -A2 ^control /sys/kernel/debug/dri/0/vgpu
	check "blocked programs can be killed" end_load
	start_load flood 3d renderD128
	sleep 0.5
	check "unbind" unbind
	check "programs end" end_load
	unload_checked
}

# Answers of every wrong kind; nothing may be believed.
run_liar() {
	pids=''
	check "load" load 14
	if has_device; then
		within 20 "$dir/ioctlt" 3d > /dev/null
		start_load mix 3d renderD128 card0
		sleep 0.5
		kill -9 $pids
		check "programs end" end_load
		within 20 "$dir/kmst" | tail -n 3
		unbind
	fi
	unload_checked
}

# Fenced commands are answered last come first.
run_reverse() {
	check "load" load
	check "errno contract" within 60 "$dir/ioctlt" 3d
	check "fences signal in order" within 30 "$dir/ordert"
	unload_checked
}
