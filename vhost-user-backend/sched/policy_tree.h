/* SPDX-License-Identifier: MIT */
/*
 * policy_tree.h - nodes ordered by a time, each with the earliest deadline below
 *
 * A treap: the depth is logarithmic whatever order times come in, without a
 * rule to rebalance by. Nodes are embedded in their owners.
 */
#ifndef SCHED_POLICY_TREE_H
#define SCHED_POLICY_TREE_H

#include <stdint.h>

typedef __int128 policy_vtime;	/* weighted nanoseconds << 16 */

/** struct policy_node - set key and deadline, then insert */
struct policy_node {
	policy_vtime key, deadline, min_deadline;
	struct policy_node *left, *right;
	uint32_t priority;
};

/** policy_tree_insert() - @random: anything, but evenly spread */
void policy_tree_insert(struct policy_node **root, struct policy_node *node,
			uint32_t random);

/** policy_tree_remove() - @node is in the tree, with the key it came with */
void policy_tree_remove(struct policy_node **root,
			const struct policy_node *node);

/** policy_tree_deadline() - a new deadline for a node of the tree */
void policy_tree_deadline(struct policy_node *root, struct policy_node *node,
			  policy_vtime deadline);

/** policy_tree_first() - the smallest key, NULL if empty */
struct policy_node *policy_tree_first(struct policy_node *root);

/** policy_tree_pick() - earliest deadline among keys to @now, or NULL */
struct policy_node *policy_tree_pick(struct policy_node *root,
				     policy_vtime now);

#endif
