# SPDX-License-Identifier: MIT
# uml-kasan.frag - added for a kernel that checks every access of memory
CONFIG_KASAN=y
CONFIG_KASAN_GENERIC=y
CONFIG_KASAN_OUTLINE=y
CONFIG_KASAN_VMALLOC=y
CONFIG_STACKTRACE=y
CONFIG_FRAME_WARN=0
