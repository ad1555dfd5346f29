// SPDX-License-Identifier: MIT
/*
 * client_job.c - says in the report page whose job is at work
 */
#include <string.h>

#include <glib.h>

#include "sched/client_private.h"

/*
 * Whom the watchdog would name. vgpud reads while we write: the number is odd
 * meanwhile.
 */
void client_show(struct sched_client *client, const struct job *job)
{
	struct vgpu_sched_report *r = client->report;
	static const struct job none;
	uint32_t seq = GET(r->name_seq);

	job = job ? job : &none;
	if (job->context == client->shown.context &&
	    !memcmp(job->name, client->shown.name, sizeof(job->name)))
		return;
	client->shown = *job;
	/* each store stays behind the one before it */
	SET(r->name_seq, seq + 1);
	atomic_store_explicit(&r->context, job->context, memory_order_release);
	for (size_t i = 0; i < VGPU_SCHED_NAME_MAX; i++)
		atomic_store_explicit(&r->name[i], (uint8_t)job->name[i],
				      memory_order_release);
	atomic_store_explicit(&r->name_seq, seq + 2, memory_order_release);
}

void client_show_oldest(struct sched_client *client)
{
	client_show(client, client->count ? job_at(client, 0) : NULL);
}

void sched_client_name(struct sched_client *client, uint32_t context,
		       const char *name)
{
	struct job *job;

	g_return_if_fail(client->count);
	job = job_at(client, client->count - 1);
	job->context = context;
	memset(job->name, 0, sizeof(job->name));
	g_strlcpy(job->name, name, sizeof(job->name));
	if (client->count == 1)
		client_show(client, job);
}
