# SPDX-License-Identifier: MIT
# uml-7.2.frag - added to uml.frag for 7.2 only

# tinyconfig of 7.2 chooses an allocator that can be checked by nothing: no KASAN, no SLUB_DEBUG.
# CONFIG_SLUB_TINY is not set
