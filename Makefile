# SPDX-License-Identifier: MIT
# Build of the host side, the guest driver, and their tests; see `make help`

# These set the machine up first, or need nothing of it.
no_config_goals := help demo check setup clean distclean install-dkms uninstall-dkms
ifneq ($(filter-out $(no_config_goals),$(or $(MAKECMDGOALS),all)),)
need_config := y
include config.mk
endif

H := vhost-user-backend

# SANITIZER=address or thread, from configure or the command line; a build
# folder each, so that they live beside the plain build.
san_name := $(patsubst address,-asan,$(patsubst thread,-tsan,$(SANITIZER)))
B ?= build$(san_name)
san_address := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
san_thread := -fsanitize=thread -fno-omit-frame-pointer
san := $(if $(SANITIZER),$(or $(san_$(SANITIZER)),$(error SANITIZER is address or thread, not $(SANITIZER))))

CPPFLAGS += -D_GNU_SOURCE -I. -I$(H) -DVGPU_LIBEXECDIR='"$(LIBEXECDIR)/vgpu"' \
	-DVGPU_SYSCONFDIR='"$(SYSCONFDIR)"' $(PKG_CFLAGS) $(PNG_CFLAGS)
WARN := -std=gnu11 -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow \
	-Wno-unused-parameter $(WERROR)
COMPILE = $(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) $(san)

# Two columns, or whole commands with V=1.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

# ---- what there is -------------------------------------------------------

LIBDIRS := base ipc vhost-user ring ledger sched renderer device
programs_in := endpoint:vgpu-endpoint worker:vgpu-worker broker:vgpud ctl:vgpuctl

to_obj = $(patsubst %.c,$(B)/%.o,$(1))
lib_src := $(foreach d,$(LIBDIRS),$(wildcard $(H)/$(d)/*.c))
lib_obj := $(call to_obj,$(lib_src))
testlib_obj := $(call to_obj,$(wildcard tests/lib/*.c))
sim_obj := $(call to_obj,$(wildcard tests/sim/*.c))
prog_src = $(wildcard $(H)/$(1)/*.c)
obj = $(call to_obj,$(prog_src))
# A program's parts without its main(), for the unit tests.
main_of = $(shell grep -lws '^int main' $(prog_src) /dev/null)
parts_of = $(call to_obj,$(filter-out $(main_$(1)),$(prog_src)))

dir_of = $(firstword $(subst :, ,$(1)))
name_of = $(lastword $(subst :, ,$(1)))
$(foreach p,$(programs_in),$(eval main_$(call dir_of,$(p)) := $(call main_of,$(call dir_of,$(p)))))
# A program is built as soon as its folder has a main().
programs := $(foreach p,$(programs_in),$(if $(main_$(call dir_of,$(p))),$(B)/$(call name_of,$(p))))
parts_libs := $(foreach p,$(programs_in),$(if $(call parts_of,$(call dir_of,$(p))),$(B)/lib$(call dir_of,$(p)).a))

# Programs among these sources.
test_program = $(patsubst %.c,$(B)/%,$(shell grep -lws '^int main' /dev/null $(wildcard $(1))))
unit_tests := $(call test_program,tests/unit/test-*.c)
integration_tests := $(call test_program,tests/integration/test-*.c)
all_tests := $(call test_program,$(addprefix tests/,$(addsuffix /*.c,unit integration bench fuzz sim vm)))
headers := $(wildcard protocol/*.h $(H)/*/*.h tests/lib/*.h)

# ---- targets ---------------------------------------------------------------

all: $(programs) $(if $(filter no,$(MODULE)),,module-if-possible)

host: $(programs)

tests: $(all_tests)

help:
	@sed 's/^	//' scripts/make-help.txt

# Objects depend on the command that makes them, by way of this file.
ifdef need_config
ifneq ($(strip $(COMPILE)),$(strip $(file <$(B)/.compile)))
$(shell mkdir -p $(B))
$(file >$(B)/.compile,$(strip $(COMPILE)))
endif
endif

config.mk: configure
	./configure $(CONFIGURE_ARGS)

# Outputs appear whole or not at all: built aside, then renamed.
$(B)/%.o: %.c $(B)/.compile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@.$$$$ $< && mv $@.$$$$ $@ || \
		{ rm -f $@.$$$$; exit 1; }

define make_archive
	$(call say,AR,$@)rm -f $@.$$$$ && $(AR) rcs $@.$$$$ $^ && mv $@.$$$$ $@
endef

$(B)/libvgpu.a: $(lib_obj)
	$(make_archive)
$(B)/libtest.a: $(testlib_obj)
	$(make_archive)
define parts_rule
$(B)/lib$(1).a: $(call parts_of,$(1))
	$$(make_archive)
endef
$(foreach p,$(programs_in),$(eval $(call parts_rule,$(call dir_of,$(p)))))

LINK = $(call say,LD,$@)$(CC) $(CFLAGS) $(san) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(B)/vgpu-endpoint: $(call obj,endpoint) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS)
$(B)/vgpu-worker: $(call obj,worker) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(GL_LIBS) -lm -lpthread
$(B)/vgpud: $(call obj,broker) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(JSON_LIBS) -lm
$(B)/vgpuctl: $(call obj,ctl) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(JSON_LIBS) $(CURSES_LIBS) -lm

# Programs that run inside a guest: no library but libc and what they open,
# no sanitizer, and nothing that only the newest libc has.
$(B)/tests/vm/gpu-load.o: private CFLAGS += -U_GNU_SOURCE -D_DEFAULT_SOURCE
$(B)/tests/vm/gpu-load.o: private san :=
$(B)/tests/vm/gpu-load: $(B)/tests/vm/gpu-load.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -ldl -lm
$(B)/tests/vm/vmctl: $(B)/tests/vm/vmctl.o
	$(LINK) $(GLIB_LIBS) $(JSON_LIBS)
$(B)/tests/vm/check-gears: $(B)/tests/vm/check-gears.o
	$(LINK) $(PNG_LIBS)
$(B)/tests/sim/sim: $(sim_obj) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) -lm
$(B)/tests/%: $(B)/tests/%.o $(if $(testlib_obj),$(B)/libtest.a) $(parts_libs) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(JSON_LIBS) $(GL_LIBS) $(PNG_LIBS) -lm -lpthread -ldl

# ---- guest driver ----------------------------------------------------------

build_module = scripts/build-module $(if $(KDIR),--kdir $(KDIR))
module:
	$(call say,MODULE,$(B)/module/vgpu.ko)$(build_module) $(B)/module
module-if-possible:
	$(call say,MODULE,$(B)/module/vgpu.ko)$(build_module) --optional $(B)/module

# ---- checks ----------------------------------------------------------------

setup:
	scripts/setup

demo:
	scripts/demo $(DEMO_ARGS)

# A weight is set while two VMs draw; the picture in README.md.
demo-shares: host $(B)/tests/vm/vmctl $(B)/tests/vm/gpu-load
	B=$(B) tests/vm/shares.sh $(DEMO_ARGS)

check:
	scripts/check $(CHECK_ARGS)

bench: all tests
	@if [ -x tests/bench/run ]; then B=$(B) tests/bench/run $(BENCH_ARGS); \
	else echo "tests/bench/run is not there"; exit 1; fi

bench-sched: host tests
	B=$(B) tests/bench/sched $(BENCH_ARGS)

check-kernels: $(B)/tests/vm/vmctl $(B)/tests/vm/picture $(B)/tests/vm/check-gears $(B)/tests/vm/gpu-load $(programs)
	B=$(B) scripts/check-kernels $(CHECK_KERNELS_ARGS)

# The host fails under every load, and ten rounds of sleep; the short form of
# both is in `make check`.
check-reset: $(B)/tests/vm/vmctl $(B)/tests/vm/picture $(B)/tests/vm/check-gears $(B)/tests/vm/gpu-load $(programs)
	B=$(B) FULL=1 tests/vm/test-reset.sh
	B=$(B) ROUNDS=10 tests/vm/test-sleep.sh
	B=$(B) tests/uml/run.sh half slow

# Random ioctls on our back end, then random answers of a host, in User Mode
# Linux with lockdep and KASAN; half of the time each.
MINUTES ?= 2
KERNEL ?= 6.1-kasan
fuzz-guest:
	B=$(B) tests/uml/run.sh --kernel $(KERNEL) --seconds $$(( $(MINUTES) * 30 )) \
		$(if $(SEED),--seed $(SEED)) fuzz noise

# The kept results of the in-tree driver, unless there are none or IGT_BASELINE=1
# asks for new ones.
igt_kept := $(if $(IGT_BASELINE),,$(wildcard tests/igt/intree-7.2.txt))
check-igt: $(B)/tests/vm/vmctl $(programs)
	$(if $(igt_kept),,B=$(B) tests/igt/run.sh --driver intree)
	B=$(B) tests/igt/run.sh --driver ours
	tests/igt/run.sh --compare $(or $(igt_kept),$(B)/igt/intree-7.2.txt) $(B)/igt/ours-6.1.txt

sim: $(B)/tests/sim/sim
	@B=$(B) tests/sim/run $(SIM_ARGS)

unit: $(unit_tests)
	@for t in $(unit_tests); do echo "== $$t"; $$t || exit 1; done

integration: $(integration_tests) $(programs)
	@for t in $(integration_tests); do echo "== $$t"; $$t || exit 1; done

# Each header compiles alone, after nothing.
check-headers: $(headers:%=$(B)/headers/%.ok)
$(B)/headers/%.ok: % $(B)/.compile
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\n' '$(patsubst $(H)/%,%,$<)' | \
		$(COMPILE) -x c -fsyntax-only -Wno-unused-function - && touch $@

check-includes:
	$(Q)scripts/check-includes

# ---- installation ----------------------------------------------------------

install uninstall: $(programs)
	$(Q)DESTDIR='$(DESTDIR)' B='$(B)' BINDIR='$(BINDIR)' SBINDIR='$(SBINDIR)' \
		LIBEXECDIR='$(LIBEXECDIR)' DATADIR='$(DATADIR)' SYSCONFDIR='$(SYSCONFDIR)' \
		MANDIR='$(MANDIR)' UNITDIR='$(UNITDIR)' scripts/install $@

install-module uninstall-module: module
	$(Q)DESTDIR='$(DESTDIR)' scripts/install-module $(@:-module=) $(B)/module/vgpu.ko

install-dkms uninstall-dkms:
	$(Q)DESTDIR='$(DESTDIR)' scripts/install-dkms $(@:-dkms=)

clean:
	rm -rf build build-asan build-tsan $(filter-out build .,$(B))

distclean: clean
	rm -f config.mk config.h

.PHONY: all host tests help sim module module-if-possible setup demo demo-shares check bench bench-sched unit integration \
	check-kernels check-igt check-reset fuzz-guest install-dkms uninstall-dkms \
	check-headers check-includes install uninstall install-module uninstall-module clean distclean
.SECONDARY:
.DELETE_ON_ERROR:
ifdef need_config
-include $(wildcard $(addprefix $(B)/,$(addsuffix /*.d,$(addprefix $(H)/,$(LIBDIRS) $(foreach p,$(programs_in),$(call dir_of,$(p)))) \
	$(addprefix tests/,lib unit integration bench fuzz sim vm))))
endif
