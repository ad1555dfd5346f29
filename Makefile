# SPDX-License-Identifier: MIT
# Build of the host side, its tests and the guest module. See `make help`.
-include config.mk
config.mk: configure
	./configure

B := build
H := vhost-user-backend
LIBDIRS := base ipc vhost-user ring ledger sched renderer device
CPPFLAGS += -D_GNU_SOURCE -I. -I$(H) $(PKG_CFLAGS)
WARN := -std=gnu11 -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wno-unused-parameter $(WERROR)

lib_src := $(foreach d,$(LIBDIRS),$(wildcard $(H)/$(d)/*.c))
lib_obj := $(lib_src:%.c=$(B)/%.o)
testlib_obj := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(wildcard $(H)/$(1)/*.c))
unit_tests := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test-*.c))
integration_tests := $(patsubst %.c,$(B)/%,$(wildcard tests/integration/test-*.c))

# A program is built as soon as its directory has a source.
programs := $(foreach p,endpoint:vgpu-endpoint worker:vgpu-worker broker:vgpud ctl:vgpuctl,\
	$(if $(wildcard $(H)/$(firstword $(subst :, ,$(p)))/*.c),$(B)/$(lastword $(subst :, ,$(p)))))

all: $(programs)

$(B)/%.o: %.c config.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libvgpu.a: $(lib_obj)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libtest.a: $(testlib_obj)
	@rm -f $@
	$(AR) rcs $@ $^

LINK = $(CC) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $^

$(B)/vgpu-endpoint: $(call obj,endpoint) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS)
$(B)/vgpu-worker: $(call obj,worker) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(GL_LIBS) -lm -lpthread
$(B)/vgpud: $(call obj,broker) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(JSON_LIBS)
$(B)/vgpuctl: $(call obj,ctl) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(JSON_LIBS)

$(B)/tests/%: $(B)/tests/%.o $(if $(testlib_obj),$(B)/libtest.a) $(B)/libvgpu.a
	$(LINK) $(GLIB_LIBS) $(GL_LIBS) -lm -lpthread

unit: $(unit_tests)
	@for t in $(unit_tests); do echo "== $$t"; $$t || exit 1; done

tests: $(unit_tests) $(integration_tests)

clean:
	rm -rf $(B)

.PHONY: all unit tests clean
.SECONDARY:
-include $(lib_obj:.o=.d) $(testlib_obj:.o=.d)
