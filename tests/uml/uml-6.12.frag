# SPDX-License-Identifier: MIT
# uml-6.12.frag - added to uml.frag for 6.12 only

# tinyconfig of 6.12 chooses an allocator that can be checked by nothing: no KASAN, no SLUB_DEBUG.
# CONFIG_SLUB_TINY is not set
