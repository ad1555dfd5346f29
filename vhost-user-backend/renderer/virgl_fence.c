// SPDX-License-Identifier: MIT
/*
 * virgl_fence.c - when work has retired, told through a descriptor
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/log.h"
#include "renderer/virgl_fence.h"

/* So often the waiter looks whether it should stop. */
#define WAIT_NS	100000000

static bool reached(GLenum result)
{
	return result != GL_TIMEOUT_EXPIRED;
}

/* Returns false when told to stop. Not under lock. */
static bool wait_for(struct virgl_fences *f, GLsync sync, bool *failed)
{
	bool stop;

	while (sync) {
		GLenum result = glClientWaitSync(sync, 0, WAIT_NS);

		*failed = result == GL_WAIT_FAILED;
		if (reached(result))
			return true;
		pthread_mutex_lock(&f->lock);
		stop = f->stop;
		pthread_mutex_unlock(&f->lock);
		if (stop)
			return false;
	}
	return true;
}

static void tell(struct virgl_fences *f)
{
	static const uint64_t one = 1;

	if (f->told)
		return;
	f->told = true;
	while (write(f->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *waiter_main(void *opaque)
{
	struct virgl_fences *f = opaque;
	struct virgl_sync *s;
	bool failed, lost;

	lost = virgl_egl_make_current(f->egl, f->context) != 0;
	if (lost)
		log_error("the fence thread has no GL context (EGL error 0x%x)",
			  eglGetError());
	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		s = f->todo;
		if (!s) {
			pthread_cond_wait(&f->wake, &f->lock);
			continue;
		}
		pthread_mutex_unlock(&f->lock);
		failed = lost;
		if (!lost && !wait_for(f, s->sync, &failed)) {
			pthread_mutex_lock(&f->lock);
			break;
		}
		pthread_mutex_lock(&f->lock);
		f->failed |= failed;
		f->todo = s->next;
		f->done = s->seq;
		if (s->fence)
			tell(f);
	}
	pthread_mutex_unlock(&f->lock);
	virgl_egl_make_current(f->egl, EGL_NO_CONTEXT);
	return NULL;
}

/* Signals are for the main thread. */
static int start_waiter(struct virgl_fences *f)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&f->waiter, NULL, waiter_main, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return -ret;
	pthread_setname_np(f->waiter, "fences");
	f->running = true;
	return 0;
}

static EGLContext waiter_context(struct virgl_egl *egl, EGLContext share)
{
	EGLint major = 0, minor = 0;

	glGetIntegerv(GL_MAJOR_VERSION, &major);
	glGetIntegerv(GL_MINOR_VERSION, &minor);
	return virgl_egl_context_new(egl, major, minor, share);
}

int virgl_fences_init(struct virgl_fences *f, struct virgl_egl *egl,
		      EGLContext share)
{
	int ret;

	*f = (struct virgl_fences){
		.egl = egl, .context = EGL_NO_CONTEXT, .event_fd = -1,
	};
	f->last = &f->first;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	f->context = waiter_context(egl, share);
	if (f->context == EGL_NO_CONTEXT) {
		ret = -EIO;
		goto err;
	}
	f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->event_fd < 0) {
		ret = -errno;
		goto err;
	}
	ret = start_waiter(f);
	if (ret)
		goto err;
	return 0;
err:
	virgl_fences_fini(f);
	return ret;
}

void virgl_fences_fini(struct virgl_fences *f)
{
	struct virgl_sync *s;

	if (f->running) {
		pthread_mutex_lock(&f->lock);
		f->stop = true;
		pthread_cond_signal(&f->wake);
		pthread_mutex_unlock(&f->lock);
		pthread_join(f->waiter, NULL);
		f->running = false;
	}
	while ((s = f->first)) {
		f->first = s->next;
		virgl_sync_free(s);
	}
	f->last = &f->first;
	if (f->context != EGL_NO_CONTEXT)
		eglDestroyContext(f->egl->display, f->context);
	if (f->event_fd >= 0)
		close(f->event_fd);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
}

bool virgl_fences_idle(struct virgl_fences *f)
{
	return !f->first;
}

struct virgl_sync *virgl_sync_new(GLsync sync)
{
	struct virgl_sync *s = calloc(1, sizeof(*s));

	if (s) {
		s->sync = sync;
		s->stamp = -1;
	}
	return s;
}

void virgl_sync_free(struct virgl_sync *s)
{
	if (s && s->sync)
		glDeleteSync(s->sync);
	if (s && s->stamp >= 0)
		close(s->stamp);
	free(s);
}

bool virgl_sync_signalled(const struct virgl_sync *s)
{
	return !s->sync || reached(glClientWaitSync(s->sync, 0, 0));
}

void virgl_fences_add(struct virgl_fences *f, struct virgl_sync *list)
{
	struct virgl_sync *s;

	if (!list)
		return;
	for (s = list; s; s = s->next)
		s->seq = ++f->seq;
	/* the waiter reads the next pointer that is set here */
	pthread_mutex_lock(&f->lock);
	*f->last = list;
	if (!f->todo) {
		f->todo = list;
		pthread_cond_signal(&f->wake);
	}
	pthread_mutex_unlock(&f->lock);
	for (s = list; s; s = s->next)
		f->last = &s->next;
}

struct virgl_sync *virgl_fences_take(struct virgl_fences *f)
{
	struct virgl_sync *s = f->first;
	bool done;

	if (!s)
		return NULL;
	pthread_mutex_lock(&f->lock);
	done = f->done >= s->seq;
	pthread_mutex_unlock(&f->lock);
	if (!done)
		return NULL;
	f->first = s->next;
	if (!f->first)
		f->last = &f->first;
	s->next = NULL;
	return s;
}

void virgl_fences_ack(struct virgl_fences *f)
{
	uint64_t count;

	pthread_mutex_lock(&f->lock);
	f->told = false;
	while (read(f->event_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_unlock(&f->lock);
}

bool virgl_fences_failed(struct virgl_fences *f)
{
	bool failed;

	pthread_mutex_lock(&f->lock);
	failed = f->failed;
	pthread_mutex_unlock(&f->lock);
	return failed;
}

void virgl_fences_gpu_wait(struct virgl_fences *f)
{
	struct virgl_sync *s;

	for (s = f->first; s; s = s->next)
		if (s->sync)
			glWaitSync(s->sync, 0, GL_TIMEOUT_IGNORED);
}
