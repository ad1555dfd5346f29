// SPDX-License-Identifier: MIT
/*
 * policy.c - who is next on one GPU: EEVDF on measured GPU time
 */
#include "sched/policy.h"

#include <stddef.h>

#define SHIFT	16

static uint32_t clamp_weight(uint32_t weight)
{
	if (weight < POLICY_WEIGHT_MIN)
		return POLICY_WEIGHT_MIN;
	return weight > POLICY_WEIGHT_MAX ? POLICY_WEIGHT_MAX : weight;
}

static policy_vtime vtime(uint64_t ns, uint32_t weight)
{
	if (ns > POLICY_COST_MAX_NS)
		ns = POLICY_COST_MAX_NS;
	return (policy_vtime)((ns << SHIFT) / weight);
}

/* ---- treap, ordered by v, then by address ---- */

static bool before(const struct policy_entity *a, const struct policy_entity *b)
{
	if (a->v != b->v)
		return a->v < b->v;
	return (uintptr_t)a < (uintptr_t)b;
}

static void update(struct policy_entity *n)
{
	n->min_deadline = n->deadline;
	if (n->left && n->left->min_deadline < n->min_deadline)
		n->min_deadline = n->left->min_deadline;
	if (n->right && n->right->min_deadline < n->min_deadline)
		n->min_deadline = n->right->min_deadline;
}

static struct policy_entity *merge(struct policy_entity *a,
				   struct policy_entity *b)
{
	if (!a)
		return b;
	if (!b)
		return a;
	if (a->priority < b->priority) {
		a->right = merge(a->right, b);
		update(a);
		return a;
	}
	b->left = merge(a, b->left);
	update(b);
	return b;
}

/* Everything before @key to *a, the rest to *b. */
static void split(struct policy_entity *n, const struct policy_entity *key,
		  struct policy_entity **a, struct policy_entity **b)
{
	if (!n) {
		*a = NULL;
		*b = NULL;
	} else if (before(n, key)) {
		split(n->right, key, &n->right, b);
		update(n);
		*a = n;
	} else {
		split(n->left, key, a, &n->left);
		update(n);
		*b = n;
	}
}

static struct policy_entity *insert(struct policy_entity *root,
				    struct policy_entity *e)
{
	if (root && root->priority < e->priority) {
		if (before(e, root))
			root->left = insert(root->left, e);
		else
			root->right = insert(root->right, e);
		update(root);
		return root;
	}
	split(root, e, &e->left, &e->right);
	update(e);
	return e;
}

static struct policy_entity *extract(struct policy_entity *root,
				     const struct policy_entity *e)
{
	if (root == e)
		return merge(root->left, root->right);
	if (before(e, root))
		root->left = extract(root->left, e);
	else
		root->right = extract(root->right, e);
	update(root);
	return root;
}

/* ---- entities of the average ---- */

static void link_entity(struct policy *policy, struct policy_entity *e)
{
	/* xorshift32: depth of the treap is all that hangs on it */
	policy->random ^= policy->random << 13;
	policy->random ^= policy->random >> 17;
	policy->random ^= policy->random << 5;
	e->priority = policy->random;
	e->left = NULL;
	e->right = NULL;
	e->deadline = e->v + vtime(e->request_ns, e->weight);
	policy->root = insert(policy->root, e);
	policy->sum += e->v * e->weight;
	policy->weight += e->weight;
	policy->count++;
}

static void unlink_entity(struct policy *policy, struct policy_entity *e)
{
	policy->root = extract(policy->root, e);
	policy->sum -= e->v * e->weight;
	policy->weight -= e->weight;
	policy->count--;
}

void policy_init(struct policy *policy)
{
	*policy = (struct policy){ .random = 2463534242u };
}

policy_vtime policy_now(const struct policy *policy)
{
	/* v never goes below 0, so this rounds down */
	return policy->weight ? policy->sum / policy->weight : policy->idle_v;
}

void policy_entity_init(struct policy *policy, struct policy_entity *e,
			uint32_t weight, uint64_t request_ns)
{
	*e = (struct policy_entity){
		.v = policy_now(policy),
		.weight = clamp_weight(weight),
		.request_ns = request_ns,
	};
}

void policy_wake(struct policy *policy, struct policy_entity *e)
{
	policy_vtime now = policy_now(policy);

	if (e->backlogged)
		return;
	if (e->v < now)
		e->v = now;
	e->backlogged = true;
	link_entity(policy, e);
}

void policy_sleep(struct policy *policy, struct policy_entity *e)
{
	if (!e->backlogged)
		return;
	e->backlogged = false;
	/* the last one takes its clock along: a lane never goes back in time */
	policy->idle_v = policy_now(policy);
	unlink_entity(policy, e);
}

/*
 * Left subtrees are wholly eligible once their parent is, so the walk down the
 * edge of V looks at each of their roots only, and then down one of them.
 */
struct policy_entity *policy_pick(const struct policy *policy)
{
	policy_vtime now = policy_now(policy);
	struct policy_entity *n = policy->root;
	struct policy_entity *best = NULL, *subtree = NULL, *last = NULL;

	while (n) {
		if (n->v > now) {
			last = n;
			n = n->left;
			continue;
		}
		if (!best || n->deadline < best->deadline)
			best = n;
		if (n->left && (!subtree || n->left->min_deadline <
				subtree->min_deadline))
			subtree = n->left;
		n = n->right;
	}
	if (!best)
		return last;	/* the smallest v: work conserving */
	if (!subtree || best->deadline <= subtree->min_deadline)
		return best;
	n = subtree;
	while (n->deadline != subtree->min_deadline) {
		if (n->left && n->left->min_deadline == subtree->min_deadline)
			n = n->left;
		else
			n = n->right;
	}
	return n;
}

void policy_charge(struct policy *policy, struct policy_entity *e,
		   uint64_t cost_ns)
{
	policy_vtime now = policy_now(policy);

	if (e->backlogged)
		unlink_entity(policy, e);
	else if (e->v < now)
		e->v = now;
	e->v += vtime(cost_ns, e->weight);
	if (e->backlogged)
		link_entity(policy, e);
}

/* lag is kept: weight * (V - v) before and after, so V does not move. */
void policy_set_weight(struct policy *policy, struct policy_entity *e,
		       uint32_t weight)
{
	policy_vtime now = policy_now(policy);
	policy_vtime behind = (now - e->v) * e->weight;

	weight = clamp_weight(weight);
	if (weight == e->weight)
		return;
	if (e->backlogged)
		unlink_entity(policy, e);
	else if (behind > 0)
		behind = 0;
	e->weight = weight;
	e->v = now - behind / weight;
	if (e->v < 0)
		e->v = 0;
	if (e->backlogged)
		link_entity(policy, e);
}

void policy_set_request(struct policy *policy, struct policy_entity *e,
			uint64_t request_ns)
{
	if (request_ns == e->request_ns)
		return;
	if (e->backlogged)
		unlink_entity(policy, e);
	e->request_ns = request_ns;
	if (e->backlogged)
		link_entity(policy, e);
}

int64_t policy_lag(const struct policy *policy, const struct policy_entity *e)
{
	policy_vtime lag = (policy_now(policy) - e->v) * e->weight;

	/* rounds towards zero, as a remainder below a nanosecond is nothing */
	return (int64_t)(lag / ((policy_vtime)1 << SHIFT));
}
