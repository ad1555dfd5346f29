// SPDX-License-Identifier: MIT
/*
 * policy_tree.c - nodes ordered by a time, each with the earliest deadline below
 */
#include "sched/policy_tree.h"

#include <stdbool.h>
#include <stddef.h>

/* Equal keys are told apart by address: there is only one order. */
static bool before(const struct policy_node *a, const struct policy_node *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return (uintptr_t)a < (uintptr_t)b;
}

static void update(struct policy_node *n)
{
	n->min_deadline = n->deadline;
	if (n->left && n->left->min_deadline < n->min_deadline)
		n->min_deadline = n->left->min_deadline;
	if (n->right && n->right->min_deadline < n->min_deadline)
		n->min_deadline = n->right->min_deadline;
}

static struct policy_node *merge(struct policy_node *a, struct policy_node *b)
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
static void split(struct policy_node *n, const struct policy_node *key,
		  struct policy_node **a, struct policy_node **b)
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

void policy_tree_insert(struct policy_node **root, struct policy_node *node,
			uint32_t random)
{
	struct policy_node *n;

	node->priority = random;
	while ((n = *root) && n->priority < random) {
		if (node->deadline < n->min_deadline)
			n->min_deadline = node->deadline;
		root = before(node, n) ? &n->left : &n->right;
	}
	split(n, node, &node->left, &node->right);
	update(node);
	*root = node;
}

static struct policy_node *extract(struct policy_node *root,
				   const struct policy_node *node)
{
	if (root == node)
		return merge(root->left, root->right);
	if (before(node, root))
		root->left = extract(root->left, node);
	else
		root->right = extract(root->right, node);
	update(root);
	return root;
}

void policy_tree_remove(struct policy_node **root,
			const struct policy_node *node)
{
	*root = extract(*root, node);
}

void policy_tree_deadline(struct policy_node *root, struct policy_node *node,
			  policy_vtime deadline)
{
	if (root == node)
		node->deadline = deadline;
	else
		policy_tree_deadline(before(node, root) ? root->left :
				     root->right, node, deadline);
	update(root);
}

struct policy_node *policy_tree_first(struct policy_node *root)
{
	while (root && root->left)
		root = root->left;
	return root;
}

/*
 * Left subtrees are wholly before @now once their parent is, so the walk down
 * the edge of it looks at each of their roots only, and then down one of them.
 */
struct policy_node *policy_tree_pick(struct policy_node *root, policy_vtime now)
{
	struct policy_node *best = NULL, *subtree = NULL;
	struct policy_node *n = root;

	while (n) {
		if (n->key > now) {
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
