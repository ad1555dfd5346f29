# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# lib.sh - what the scripts here share; sourced, needs bash
#
# Messages go to standard error, so that a script's output can be used.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
vgpu_cache=${VGPU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vgpu}
self=${0##*/}

say() { echo "$self: $*" >&2; }
# die WHAT [HOW TO MEND IT]...
die() {
	say "$1"
	shift
	local line
	for line; do echo "    $line" >&2; done
	exit 1
}

# Waits that a signal ends at once: bash runs traps between foreground commands.
# What waits is ended by end_attended, from the trap.
attended=
attend() { "$@" & attended=$!; wait $attended; }
pause() { attend sleep "$1" || true; }
end_attended() { [ -z "$attended" ] || kill "$attended" 2> /dev/null || true; }

# A line with the seconds since the start of the script.
step() { printf '[%4d s] %s\n' "$SECONDS" "$*" >&2; }

# usage_of: prints the comment at the head of the script, from its usage line on.
usage_of() { sed -n '/^# usage:/,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

need_command() { # command, Debian package
	command -v "$1" > /dev/null ||
		die "$1 is not here" "apt-get install $2    (scripts/setup does that)"
}

# run_logged TITLE LOG COMMAND...: the output goes to LOG, a dot every two
# seconds to the terminal, and the end of LOG as well if it fails.
run_logged() {
	local title=$1 log=$2 pid status=0 begin=$SECONDS
	shift 2
	printf '[%4d s] %s ' "$SECONDS" "$title" >&2
	"$@" > "$log" 2>&1 < /dev/null &
	pid=$!
	while kill -0 "$pid" 2> /dev/null; do
		sleep 0.2
		[ $((SECONDS - begin)) -lt 2 ] || { printf . >&2; begin=$SECONDS; }
	done
	wait "$pid" || status=$?
	if [ $status = 0 ]; then
		echo " done" >&2
	else
		echo " failed ($status); the end of $log:" >&2
		tail -n 15 "$log" | sed 's/^/    /' >&2
	fi
	return $status
}

# debian_sources SUITE...: one-line apt sources of Debian's archive for these
# suites, from wherever this machine gets Debian. apt knows both formats of
# source lists, so it is asked rather than they are read. A -security suite is
# left out where the machine has none.
debian_sources() {
	local suite uri key=/usr/share/keyrings/debian-archive-keyring.gpg
	local list main security
	list=$(apt-get indextargets --format \
		'$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(LABEL)|$(COMPONENT)' 'Created-By: Packages')
	main=$(echo "$list" | awk -F'|' '$4 == "Debian" && $5 == "main" { print $1; exit }')
	# Before the first `apt-get update` nothing carries a label.
	[ "$main" ] || main=$(. /etc/os-release; echo "$list" |
		awk -F'|' -v c="$VERSION_CODENAME" '$2 == c && $5 == "main" { print $1; exit }')
	security=$(echo "$list" | awk -F'|' '$4 == "Debian-Security" || $2 ~ /-security$/ { print $1; exit }')
	[ "$main" ] || return 1
	for suite; do
		case $suite in
		*-security) uri=$security ;;
		*) uri=$main ;;
		esac
		[ -z "$uri" ] || echo "deb [signed-by=$key] $uri $suite main"
	done
}
