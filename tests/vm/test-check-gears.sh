#!/bin/bash
# SPDX-License-Identifier: MIT
# test-check-gears.sh - the checker of the gears finds them, and finds fault
. "$(dirname "$0")/lib.sh"
data=$here/data
virgl='virgl (LLVMPIPE (LLVM 15.0.6, 256 bits))'

refuses() { # REASON ARGUMENT...: it must fail, and for this reason
	local reason=$1 output
	shift
	if output=$(check_gears "$@"); then
		echo "was accepted: $output"
		return 1
	fi
	case $output in
	*"$reason"*) ;;
	*) echo "refused for another reason: $output"; return 1 ;;
	esac
}

# black FILE: a picture of 1280x800 without anything on it
black() { "$B/tests/vm/picture" blank 1280 800 "$1"; }

plan 9
check "gears that turn" check_gears --renderer "$virgl" --jobs 10 11 \
	"$data/gears-1.png" "$data/gears-2.png"
check "one picture" check_gears "$data/gears-2.png"
check "console text is refused" refuses "not one red" "$data/console.png"
check "a black screen is refused" eval 'black "$work/black.png" && refuses "not one red" "$work/black.png"'
check "gears in one of two pictures are refused" refuses "not one red" \
	"$data/gears-1.png" "$data/console.png"
check "gears that stand still are refused" refuses "do not turn" \
	"$data/gears-1.png" "$data/gears-1.png"
# The pictures are real ones, drawn inside a guest.
check "gears drawn inside the guest are refused" refuses "did not render through the host" \
	--renderer 'llvmpipe (LLVM 15.0.6, 256 bits)' "$data/gears-1.png" "$data/gears-2.png"
check "gears without work for the worker are refused" refuses "did no job" \
	--renderer "$virgl" --jobs 11 11 "$data/gears-1.png" "$data/gears-2.png"
check "no picture is refused" refuses "" "$work/none.png"
finish
