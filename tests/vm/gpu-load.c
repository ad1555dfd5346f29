// SPDX-License-Identifier: MIT
/*
 * gpu-load.c - keeps a GPU busy: a heavy fragment shader, drawn off-screen
 *
 * usage: gpu-load SECONDS [ITERATIONS [SIZE]]
 *
 * Draws SIZE x SIZE pixels (256) with ITERATIONS (400) rounds a pixel, with
 * three frames in flight, so that the GPU always has a next one. Prints the
 * renderer, then "frames N seconds S", and every second a line "at S frames N".
 *
 * The libraries are opened at run time, so that one binary made on the host
 * runs in any guest, and no GL headers are needed.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	EGL_PLATFORM_SURFACELESS = 0x31dd, EGL_NONE = 0x3038, EGL_OPENGL_ES_API = 0x30a0,
	EGL_CONTEXT_CLIENT_VERSION = 0x3098, EGL_RENDERABLE_TYPE = 0x3040,
	EGL_OPENGL_ES3_BIT = 0x40, EGL_SURFACE_TYPE = 0x3033,
	GL_RENDERER = 0x1f01, GL_TEXTURE_2D = 0x0de1, GL_RGBA = 0x1908, GL_UNSIGNED_BYTE = 0x1401,
	GL_FRAMEBUFFER = 0x8d40, GL_COLOR_ATTACHMENT0 = 0x8ce0, GL_FRAMEBUFFER_COMPLETE = 0x8cd5,
	GL_VERTEX_SHADER = 0x8b31, GL_FRAGMENT_SHADER = 0x8b30, GL_LINK_STATUS = 0x8b82,
	GL_TRIANGLES = 4, GL_SYNC_GPU_COMMANDS_COMPLETE = 0x9117, GL_SYNC_FLUSH_COMMANDS_BIT = 1,
	GL_TIMEOUT_EXPIRED = 0x911b, GL_WAIT_FAILED = 0x911d,
	IN_FLIGHT = 3,
};

/* Every entry point used: result, name, arguments. */
#define ENTRY_POINTS(F) \
	F(egl, void *, eglGetPlatformDisplay, (unsigned, void *, const void *)) \
	F(egl, int, eglInitialize, (void *, int *, int *)) \
	F(egl, int, eglBindAPI, (unsigned)) \
	F(egl, int, eglChooseConfig, (void *, const int *, void **, int, int *)) \
	F(egl, void *, eglCreateContext, (void *, void *, void *, const int *)) \
	F(egl, int, eglMakeCurrent, (void *, void *, void *, void *)) \
	F(gl, const char *, glGetString, (unsigned)) \
	F(gl, void, glGenTextures, (int, unsigned *)) \
	F(gl, void, glBindTexture, (unsigned, unsigned)) \
	F(gl, void, glTexImage2D, (unsigned, int, int, int, int, int, unsigned, unsigned, \
				   const void *)) \
	F(gl, void, glGenFramebuffers, (int, unsigned *)) \
	F(gl, void, glBindFramebuffer, (unsigned, unsigned)) \
	F(gl, void, glFramebufferTexture2D, (unsigned, unsigned, unsigned, unsigned, int)) \
	F(gl, unsigned, glCheckFramebufferStatus, (unsigned)) \
	F(gl, unsigned, glCreateShader, (unsigned)) \
	F(gl, void, glShaderSource, (unsigned, int, const char *const *, const int *)) \
	F(gl, void, glCompileShader, (unsigned)) \
	F(gl, unsigned, glCreateProgram, (void)) \
	F(gl, void, glAttachShader, (unsigned, unsigned)) \
	F(gl, void, glLinkProgram, (unsigned)) \
	F(gl, void, glGetProgramiv, (unsigned, unsigned, int *)) \
	F(gl, void, glUseProgram, (unsigned)) \
	F(gl, int, glGetUniformLocation, (unsigned, const char *)) \
	F(gl, void, glUniform1f, (int, float)) \
	F(gl, void, glUniform1i, (int, int)) \
	F(gl, void, glViewport, (int, int, int, int)) \
	F(gl, void, glDrawArrays, (unsigned, int, int)) \
	F(gl, void *, glFenceSync, (unsigned, unsigned)) \
	F(gl, unsigned, glClientWaitSync, (void *, unsigned, uint64_t)) \
	F(gl, void, glDeleteSync, (void *)) \
	F(gl, void, glFinish, (void)) \
	F(gl, void, glFlush, (void)) \
	F(gl, void, glReadPixels, (int, int, int, int, unsigned, unsigned, void *))

#define DECLARE(lib, type, name, args) static type (*name) args;
ENTRY_POINTS(DECLARE)

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "gpu-load: %s\n", what);
	exit(1);
}

static void load(void)
{
	void *egl = dlopen("libEGL.so.1", RTLD_NOW | RTLD_GLOBAL);
	void *gl = dlopen("libGLESv2.so.2", RTLD_NOW | RTLD_GLOBAL);

	if (!egl || !gl)
		fail(dlerror());
#define LOAD(lib, type, name, args) \
	*(void **)&name = dlsym(lib, #name); \
	if (!name) \
		fail("no " #name);
	ENTRY_POINTS(LOAD)
}

static void make_context(void)
{
	static const int config_attrs[] = { EGL_SURFACE_TYPE, 0, EGL_RENDERABLE_TYPE,
					    EGL_OPENGL_ES3_BIT, EGL_NONE };
	static const int context_attrs[] = { EGL_CONTEXT_CLIENT_VERSION, 3, EGL_NONE };
	void *display = eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS, NULL, NULL);
	void *config = NULL, *context;
	int n;

	if (!eglInitialize(display, NULL, NULL))
		fail("eglInitialize failed");
	eglBindAPI(EGL_OPENGL_ES_API);
	eglChooseConfig(display, config_attrs, &config, 1, &n);
	context = eglCreateContext(display, config, NULL, context_attrs);
	if (!context || !eglMakeCurrent(display, NULL, NULL, context))
		fail("no GLES 3 context");
	printf("renderer %s\n", glGetString(GL_RENDERER));
	fflush(stdout);
}

static unsigned make_program(void)
{
	static const char *const vertex =
		"#version 300 es\n"
		"void main() {\n"
		"	vec2 p = vec2(gl_VertexID == 1 ? 3. : -1., gl_VertexID == 2 ? 3. : -1.);\n"
		"	gl_Position = vec4(p, 0., 1.);\n"
		"}\n";
	static const char *const fragment =
		"#version 300 es\n"
		"precision highp float;\n"
		"uniform float seed;\n"
		"uniform int rounds;\n"
		"out vec4 colour;\n"
		"void main() {\n"
		"	vec2 z = gl_FragCoord.xy * .01 + seed;\n"
		"	for (int i = 0; i < rounds; i++)\n"
		"		z = vec2(z.x * z.x - z.y * z.y, 2. * z.x * z.y)\n"
		"			/ (1. + dot(z, z)) + .31;\n"
		"	colour = vec4(fract(z), seed, 1.);\n"
		"}\n";
	unsigned program = glCreateProgram();
	int ok = 0;

	for (int k = 0; k < 2; k++) {
		unsigned shader = glCreateShader(k ? GL_FRAGMENT_SHADER : GL_VERTEX_SHADER);

		glShaderSource(shader, 1, k ? &fragment : &vertex, NULL);
		glCompileShader(shader);
		glAttachShader(program, shader);
	}
	glLinkProgram(program);
	glGetProgramiv(program, GL_LINK_STATUS, &ok);
	if (!ok)
		fail("the shaders do not link");
	return program;
}

static void make_target(int size)
{
	unsigned texture, framebuffer;

	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, size, size, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
	glGenFramebuffers(1, &framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
	if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
		fail("the framebuffer is incomplete");
	glViewport(0, 0, size, size);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void wait_for(void *sync)
{
	unsigned r = glClientWaitSync(sync, GL_SYNC_FLUSH_COMMANDS_BIT, 60ull * 1000000000);

	if (r == GL_WAIT_FAILED || r == GL_TIMEOUT_EXPIRED)
		fail("a frame did not end within a minute");
	glDeleteSync(sync);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0, start, second = 1;
	int rounds = argc > 2 ? atoi(argv[2]) : 400, size = argc > 3 ? atoi(argv[3]) : 256;
	void *syncs[IN_FLIGHT] = { 0 };
	long frames = 0;
	unsigned program;
	int seed;

	if (seconds <= 0 || rounds <= 0 || size <= 0 || size > 4096) {
		fprintf(stderr, "usage: gpu-load SECONDS [ITERATIONS [SIZE]]\n");
		return 2;
	}
	load();
	make_context();
	program = make_program();
	make_target(size);
	glUseProgram(program);
	glUniform1i(glGetUniformLocation(program, "rounds"), rounds);
	seed = glGetUniformLocation(program, "seed");

	start = now();
	while (now() - start < seconds) {
		int slot = frames % IN_FLIGHT;

		if (syncs[slot])
			wait_for(syncs[slot]);
		glUniform1f(seed, (frames % 997) / 997.f);
		glDrawArrays(GL_TRIANGLES, 0, 3);
		syncs[slot] = glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
		glFlush();
		frames++;
		if (now() - start >= second) {
			printf("at %.0f frames %ld\n", second, frames);
			fflush(stdout);
			second++;
		}
	}
	glFinish();
	printf("frames %ld seconds %.2f\n", frames, now() - start);
	return 0;
}
