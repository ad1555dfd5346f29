#!/bin/bash
# SPDX-License-Identifier: MIT
#
# uml-run.sh - boot a User Mode Linux kernel on the host's files, with a
# vhost-user GPU
#
# usage: uml-run.sh -k LINUX [options] INIT [KERNEL-ARGUMENT...]
#
#   INIT         script or program that is process 1
#   -k LINUX     kernel made by build-uml.sh
#   -s SOCKET    vhost-user socket of a back end that listens, or will in 30 s
#   -b COMMAND   start the back end with this shell command, which finds the
#                socket's path in $SOCKET; it is ended after the run
#   -m SIZE      guest memory                                (default 512M)
#   -t SECONDS   time limit of the whole run                 (default 60)
#   -l FILE      keep the whole console there, and what the back end said
#
# The root file system is the host's, read-only. INIT prints a line that begins
# with "UML up" when it starts, and "UML-EXIT: N" before it powers off; what
# comes between is printed.
#
# exit status: N of "UML-EXIT: N"; 124 when the time limit was hit; 125 when the
# guest stopped without that line
# shellcheck disable=SC2317,SC2329  # cleanup runs from the trap
set -u

usage() { sed -n '/^# uml-run/,/^set/{/^set/d;/shellcheck/d;s/^# \{0,1\}//p}' "$0"; }
die() { echo "uml-run: $*" >&2; exit 2; }

linux='' socket='' backend='' mem=512M limit=60 keep=''
while getopts k:s:b:m:t:l:h opt; do
	case $opt in
	k) linux=$OPTARG;; s) socket=$OPTARG;; b) backend=$OPTARG;;
	m) mem=$OPTARG;; t) limit=$OPTARG;; l) keep=$OPTARG;;
	h) usage; exit 0;; *) usage >&2; exit 2;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { usage >&2; exit 2; }
init=$(realpath -e "$1") || die "no $1"
shift
[ -x "$linux" ] || die "no kernel at '$linux'; build one with build-uml.sh and pass it with -k"
[ -z "$socket" ] || [ -z "$backend" ] || die "-s and -b exclude each other"

dir=$(mktemp -d) || exit 1
backend_pid='' linux_pid=''
cleanup() {
	[ -z "$linux_pid" ] || { kill -KILL -- "-$linux_pid"; wait "$linux_pid"; } 2>/dev/null
	# the back end's group; what it has started ends with it
	[ -z "$backend_pid" ] || { kill -- "-$backend_pid"; wait "$backend_pid"; } 2>/dev/null
	if [ -n "$keep" ]; then
		{ cat "$dir/log"; echo "---- back end:"; cat "$dir/backend.log"; } > "$keep" 2>/dev/null
	fi
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

if [ -n "$backend" ]; then
	socket=$dir/gpu.sock
	set -m		# its own process group, so that all of it can be ended
	SOCKET=$socket sh -c "$backend" </dev/null >"$dir/backend.log" 2>&1 &
	backend_pid=$!
	set +m
fi
device=()
if [ -n "$socket" ]; then
	# The first start of a renderer reads its libraries from the disk.
	for ((i = 0; i < 600; i++)); do
		[ ! -S "$socket" ] || break
		[ -z "$backend_pid" ] || kill -0 "$backend_pid" 2>/dev/null || break
		sleep 0.05
	done
	[ -S "$socket" ] || { cat "$dir/backend.log" 2>/dev/null >&2; die "no back end listens on $socket"; }
	device=("virtio_uml.device=$socket:16")
fi

# root=none: 6.1 refuses to mount hostfs without it. uml_dir keeps UML's pid
# files out of the home directory. The host's random numbers are trusted, or
# programs would wait for entropy that never comes.
set -m
timeout -k 3 "$limit" "$linux" mem="$mem" root=none rootfstype=hostfs rootflags=/ ro init="$init" \
	con=null con0=fd:0,fd:1 uml_dir="$dir/" umid=uml random.trust_cpu=on "${device[@]}" "$@" \
	</dev/null >"$dir/log" 2>&1 &
linux_pid=$!
set +m
wait "$linux_pid"
status=$?
linux_pid=''

tr -d '\r' < "$dir/log" | sed -n '/^UML up/,$p'
result=$(tr -d '\r' < "$dir/log" | sed -n 's/^UML-EXIT: \([0-9][0-9]*\)$/\1/p' | tail -n 1)
case $status in
124|137) echo "uml-run: stopped after $limit s" >&2; result=124;;
*)	[ -n "$result" ] || { echo "uml-run: the guest stopped without a UML-EXIT line" >&2; result=125; };;
esac
if [ "$result" != 0 ] && ! grep -q '^UML up' "$dir/log"; then tail -n 60 "$dir/log" >&2; fi
exit "$result"
