// SPDX-License-Identifier: MIT
/*
 * placement.c - which GPU a VM gets, and whether its promises can be kept
 */
#include "broker/placement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "broker/config.h"
#include "broker/config_value.h"

#define TERMS_MAX	4	/* of a sum that is shown */

struct placed {
	const struct config_vm *vm;
	unsigned int gpu;
};

struct placement {
	const struct config *config;
	GArray *vms;			/* struct placed */
};

struct placement *placement_new(const struct config *config)
{
	struct placement *p = g_new0(struct placement, 1);

	p->config = config;
	p->vms = g_array_new(FALSE, FALSE, sizeof(struct placed));
	return p;
}

void placement_free(struct placement *p)
{
	if (!p)
		return;
	g_array_free(p->vms, TRUE);
	g_free(p);
}

void placement_add(struct placement *p, const struct config_vm *vm,
		   unsigned int gpu)
{
	struct placed placed = { vm, gpu };

	g_array_append_val(p->vms, placed);
}

static const struct config_gpu *gpu_at(const struct placement *p,
				       unsigned int gpu)
{
	return g_ptr_array_index(p->config->gpus, gpu);
}

/* The next VM on @gpu from @i on, or NULL. */
static const struct config_vm *next_on(const struct placement *p,
				       unsigned int gpu, guint *i)
{
	while (*i < p->vms->len) {
		const struct placed *at = &g_array_index(p->vms, struct placed,
							 (*i)++);

		if (at->gpu == gpu)
			return at->vm;
	}
	return NULL;
}

static bool same_group(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* Who keeps @vm away from a GPU by not wanting company. */
static char *unwelcome(const struct placement *p, const struct config_vm *vm,
		       unsigned int gpu)
{
	const char *name = gpu_at(p, gpu)->name;
	const struct config_vm *other;
	guint i = 0;

	while ((other = next_on(p, gpu, &i))) {
		if (other->exclusive)
			return g_strdup_printf("GPU %s is VM %s's alone (exclusive)",
					       name, other->name);
		if (vm->exclusive)
			return g_strdup_printf("GPU %s has VM %s already, and VM %s wants one alone (exclusive)",
					       name, other->name, vm->name);
		if (same_group(vm->anti_affinity, other->anti_affinity))
			return g_strdup_printf("GPU %s has VM %s of anti-affinity group %s",
					       name, other->name,
					       other->anti_affinity);
	}
	return NULL;
}

struct sum {
	GString *terms;
	unsigned int n;
	uint64_t total;
};

static void sum_add(struct sum *sum, const char *name, enum value_kind kind,
		    const void *value, uint64_t n)
{
	char *text;

	if (!n)
		return;
	sum->total += n;
	if (sum->n++ >= TERMS_MAX)
		return;
	text = value_write(kind, value);
	g_string_append_printf(sum->terms, "%s%s (%s)",
			       sum->terms->len ? " + " : "", text, name);
	g_free(text);
}

static char *sum_end(struct sum *sum)
{
	if (sum->n > TERMS_MAX)
		g_string_append_printf(sum->terms, " + %u more",
				       sum->n - TERMS_MAX);
	return g_string_free(sum->terms, FALSE);
}

static char *reserve_short(const struct placement *p,
			   const struct config_vm *vm, unsigned int gpu)
{
	struct sum sum = { .terms = g_string_new(NULL) };
	const struct config_vm *other;
	char *terms, *all, *why = NULL;
	uint32_t total;
	guint i = 0;

	while ((other = next_on(p, gpu, &i)))
		sum_add(&sum, other->name, VALUE_SHARE, &other->reserve,
			other->reserve);
	sum_add(&sum, vm->name, VALUE_SHARE, &vm->reserve, vm->reserve);
	total = (uint32_t)sum.total;
	terms = sum_end(&sum);
	all = value_write(VALUE_SHARE, &total);
	if (vm->reserve && total > PLACEMENT_RESERVE_MAX)
		why = g_strdup_printf("GPU %s: reserve %s = %s is more than the %u%% that can be reserved of a GPU; lower one of them",
				      gpu_at(p, gpu)->name, terms, all,
				      PLACEMENT_RESERVE_MAX / 100);
	g_free(all);
	g_free(terms);
	return why;
}

static char *memory_short(const struct placement *p,
			  const struct config_vm *vm, unsigned int gpu)
{
	const struct config_gpu *g = gpu_at(p, gpu);
	struct sum sum = { .terms = g_string_new(NULL) };
	const struct config_vm *other;
	char *terms, *all, *has, *why = NULL;
	guint i = 0;

	while ((other = next_on(p, gpu, &i)))
		sum_add(&sum, other->name, VALUE_SIZE, &other->memory,
			other->memory);
	sum_add(&sum, vm->name, VALUE_SIZE, &vm->memory, vm->memory);
	terms = sum_end(&sum);
	all = value_write(VALUE_SIZE, &sum.total);
	has = value_write(VALUE_SIZE, &g->memory);
	if (g->memory && vm->memory && sum.total > g->memory)
		why = g_strdup_printf("GPU %s: memory %s = %s is more than its %s; lower one of them",
				      g->name, terms, all, has);
	g_free(has);
	g_free(all);
	g_free(terms);
	return why;
}

int placement_fits(const struct placement *p, const struct config_vm *vm,
		   unsigned int gpu, char **why)
{
	const struct config_gpu *g = gpu_at(p, gpu);

	*why = NULL;
	if (vm->gpu && strcmp(vm->gpu, g->name))
		*why = g_strdup_printf("VM %s is pinned to GPU %s", vm->name,
				       vm->gpu);
	else if (vm->reserve && vm->cap && vm->cap < vm->reserve)
		*why = g_strdup_printf("VM %s: its reserve, %u.%02u%%, is more than its cap, %u.%02u%%; raise the cap or lower the reserve",
				       vm->name, vm->reserve / 100,
				       vm->reserve % 100, vm->cap / 100,
				       vm->cap % 100);
	else if (vm->reserve && g->policy == CONFIG_BEST_EFFORT)
		*why = g_strdup_printf("VM %s: GPU %s has policy best-effort, which keeps no reserve; use policy fair or fixed",
				       vm->name, g->name);
	if (!*why)
		*why = unwelcome(p, vm, gpu);
	if (!*why)
		*why = reserve_short(p, vm, gpu);
	if (!*why)
		*why = memory_short(p, vm, gpu);
	return *why ? -ENOSPC : 0;
}

/* Where a VM of its affinity group is; -1: nowhere yet. */
static int drawn_to(const struct placement *p, const struct config_vm *vm)
{
	guint i;

	for (i = 0; vm->affinity && i < p->vms->len; i++) {
		const struct placed *at = &g_array_index(p->vms, struct placed,
							 i);

		if (same_group(vm->affinity, at->vm->affinity))
			return (int)at->gpu;
	}
	return -1;
}

struct score {
	double load;		/* weights per CPU or GPU, with the VM */
	uint64_t spare;		/* memory, with the VM */
};

static struct score score(const struct placement *p,
			  const struct config_vm *vm, unsigned int gpu)
{
	const struct config_gpu *g = gpu_at(p, gpu);
	unsigned int cpus = value_cpus_count(g->cpus);
	uint64_t weights = vm->weight, memory = vm->memory;
	const struct config_vm *other;
	guint i = 0;

	while ((other = next_on(p, gpu, &i))) {
		weights += other->weight;
		memory += other->memory;
	}
	return (struct score){
		.load = (double)weights / (cpus && g->render_node &&
					   !*g->render_node ? cpus : 1),
		.spare = g->memory > memory ? g->memory - memory : 0,
	};
}

static bool better(const struct score *a, const struct score *b)
{
	if (a->load != b->load)
		return a->load < b->load;
	return a->spare < b->spare;
}

static int no_such_gpu(const struct placement *p, const struct config_vm *vm,
		       char **why)
{
	*why = g_strdup_printf("VM %s: there is no GPU \"%s\"; write a section [gpu %s], or name another",
			       vm->name, vm->gpu, vm->gpu);
	return -ENOSPC;
}

int placement_choose(const struct placement *p, const struct config_vm *vm,
		     char **why)
{
	GString *reasons = g_string_new(NULL);
	struct score best = { 0 }, one;
	int affinity = drawn_to(p, vm), chosen = -ENOSPC;
	unsigned int i;

	if (vm->gpu && !config_find_gpu(p->config, vm->gpu)) {
		g_string_free(reasons, TRUE);
		return no_such_gpu(p, vm, why);
	}
	for (i = 0; i < p->config->gpus->len; i++) {
		/* of others it is known already why not */
		if ((affinity >= 0 && affinity != (int)i) ||
		    (vm->gpu && strcmp(vm->gpu, gpu_at(p, i)->name)))
			continue;
		if (placement_fits(p, vm, i, why)) {
			g_string_append_printf(reasons, "%s%s",
					       reasons->len ? "; " : "", *why);
			g_clear_pointer(why, g_free);
			continue;
		}
		one = score(p, vm, i);
		if (chosen < 0 || better(&one, &best)) {
			best = one;
			chosen = (int)i;
		}
	}
	if (chosen < 0)
		*why = g_strdup_printf("VM %s does not fit: %s", vm->name,
				       reasons->len ? reasons->str :
				       "it is pinned to one GPU, and its affinity group is on another");
	g_string_free(reasons, TRUE);
	return chosen;
}
