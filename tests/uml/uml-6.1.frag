# SPDX-License-Identifier: MIT
# uml-6.1.frag - added to uml.frag for 6.1 only

# Without this a tiny 6.1 configuration trips over an SRCU initialisation bug.
CONFIG_INOTIFY_USER=y

# tinyconfig of 6.1 chooses SLOB, whose objects are aligned to 8 bytes only. gcc stores to cache-line
# aligned structs (struct Qdisc) with movaps, which then faults early in boot, depending on the length of the
# command line.

# CONFIG_SLOB is not set
CONFIG_SLUB=y
