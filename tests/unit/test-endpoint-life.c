// SPDX-License-Identifier: MIT
/*
 * test-endpoint-life.c - rings that stop and start, workers that hang or die
 * at any point, resets and disconnects: what the front end must not notice
 */
#include "tests/unit/endpoint_play.h"

/* ---- stopping ---- */

static void test_stop_cont(void)
{
	int ledger, round;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	for (round = 1; round <= 10; round++) {
		vu_ask_base(0);
		settle();
		told(VGPU_IPC_VRING_STOP);
		g_assert_cmpint(vu_reply(0, NULL, 0), ==, -1);
		serve_to(ledger, 0, (uint32_t)round * 3);
		say_stopped(0, (uint32_t)round * 3);
		g_assert_cmpuint(vu_base(1000), ==, round * 3);
		/* the same worker goes on */
		vu_start(0, (uint32_t)round * 3);
		told(VGPU_IPC_VRING_START);
		g_assert_cmphex(msg.vring.flags, ==, 0);
		g_assert_cmpuint(msg.vring.base, ==, round * 3);
		ipc_msg_close(&msg);
		while (told_anything())
			;
	}
	close(ledger);
	teardown();
}

/* A worker that hangs is killed in time, and the ledger knows the base. */
static void test_stop_hung(void)
{
	uint64_t before;
	int ledger;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	vu_start(1, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 321);
	serve_to(ledger, 1, 12);
	before = event_now_ns();
	vu_ask_base(0);
	g_assert_cmpuint(vu_base(950), ==, 321);
	g_assert_cmpuint(event_now_ns() - before, >, 600000000);
	g_assert_true(worker_dead(0));
	vu_ask_base(1);
	g_assert_cmpuint(vu_base(100), ==, 12);
	g_assert_false(worker_comes(100));
	close(ledger);
	/* cont: a new one takes over */
	vu_start(0, 321);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, VGPU_VRING_RESUME));
	teardown();
}

static void test_stop_death(void)
{
	int ledger;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 55);
	/* in the middle of a stop */
	vu_ask_base(0);
	settle();
	kill_worker();
	g_assert_cmpuint(vu_base(300), ==, 55);
	vu_start(0, 55);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, VGPU_VRING_RESUME));
	/* while stopped: nobody needs another one until cont */
	vu_ask_base(0);
	settle();
	say_stopped(0, 55);
	g_assert_cmpuint(vu_base(300), ==, 55);
	kill_worker();
	g_assert_true(worker_dead(1000));
	g_assert_false(worker_comes(100));
	vu_start(0, 55);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, VGPU_VRING_RESUME));
	close(ledger);
	teardown();
}

/* ---- dying ---- */

static void test_death(void)
{
	int ledger, i;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	/* before it has touched anything: no position to resume from */
	kill_worker();
	close(ledger);
	ledger = expect_worker(VGPU_SETUP_TAKEOVER, 1, 0);
	serve_to(ledger, 0, 9);
	for (i = 0; i < 3; i++) {
		kill_worker();
		close(ledger);
		ledger = expect_worker(VGPU_SETUP_TAKEOVER, 1,
				       VGPU_VRING_RESUME);
		g_assert_cmpuint(vu_features(), !=, 0);
	}
	close(ledger);
	teardown();
}

/* It closes its socket, or speaks nonsense: replaced. */
static void test_nonsense(void)
{
	struct vgpu_ipc_header header = { VGPU_IPC_SETUP, 0 };

	setup();
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	g_assert_cmpint(fdpass_send(wsock, &header, sizeof(header), NULL, 0),
			==, sizeof(header));
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, 0));
	fdpass_close(&wsock, 1);
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, 0));
	teardown();
}

/* Five quick deaths, then one a second; the front end is always answered. */
static void test_back_off(void)
{
	uint64_t died = 0;
	int i;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	for (i = 0; i < 8; i++) {
		g_assert_true(worker_comes(5000));
		/* the sixth death is one too many */
		if (i >= 6)
			g_assert_cmpuint(event_now_ns() - died, >, 900000000);
		died = event_now_ns();
		kill_worker();
		g_assert_cmpuint(vu_features(), !=, 0);
	}
	teardown();
}

static void test_no_program(void)
{
	config = (struct endpoint_config){
		.name = "vm1", .worker = "/nonexistent/vgpu-worker",
		.broker_fd = -1,
	};
	setup();
	vu_negotiate();
	vu_start(0, 0);
	g_assert_false(worker_comes(300));
	vu_ask_base(0);
	g_assert_cmpuint(vu_base(900), ==, 0);
	vu_ack(VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
	g_assert_cmpuint(vu_features(), !=, 0);
	teardown();
}

/* It never reads: killed when no more fits, and replaced. */
static void test_deaf(void)
{
	uint64_t index = 0;
	pid_t first;
	int i;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	first = wpid;
	for (i = 0; i < 3000 && !kill(first, 0); i++)
		vu_ack(VHOST_USER_SET_VRING_CALL, &index, 8, &call_fd, 1);
	g_assert_cmpint(i, >, IPC_NUM_VRINGS);
	g_assert_cmpint(i, <, 3000);
	g_assert_true(worker_comes(2000));
	g_assert_cmpint(wpid, !=, first);
	teardown();
}

/* ---- starting anew ---- */

static void test_reset(void)
{
	int ledger;
	pid_t first;

	setup();
	vu_negotiate();
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 40);
	first = wpid;
	vu_ack(VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
	g_assert_cmpint(kill(first, 0), ==, -1);
	g_assert_cmpint(ledger_ring_base(ledger, 0), ==, -ENOENT);
	g_assert_false(worker_comes(50));
	close(ledger);
	vu_start(0, 0);
	ledger = expect_worker(0, 1, 0);
	serve_to(ledger, 0, 41);
	/* 7.2 and User Mode Linux do not say it: the base does */
	vu_ask_base(0);
	settle();
	say_stopped(0, 41);
	g_assert_cmpuint(vu_base(300), ==, 41);
	first = wpid;
	vu_start(0, 0);
	close(ledger);
	ledger = expect_worker(0, 1, 0);
	g_assert_cmpint(kill(first, 0), ==, -1);
	g_assert_cmpint(ledger_ring_base(ledger, 0), ==, -ENOENT);
	close(ledger);
	teardown();
}

static void test_disconnect(void)
{
	int round;

	setup();
	for (round = 0; round < 5; round++) {
		vu_negotiate();
		if (round)
			vu_start(0, 0);
		if (round)
			close(expect_worker(0, 1, 0));
		if (round == 3) {
			vu_ask_base(0);
			settle();
		}
		if (round == 4)
			kill_worker();
		close(vu);
		settle();
		g_assert_cmpuint(disconnects, ==, round + 1);
		g_assert_true(!wpid || worker_dead(1000));
		open_vu();
	}
	teardown();
}

/* ---- anything ---- */

/* What the worker of the moment was told, and has done. */
static struct {
	bool present, takeover;
	bool mortal;		/* dies when it is to stop */
	bool serves[2];
	uint32_t base[2];
	int ledger;
} w;

static void worker_gone(void)
{
	w.present = false;
	w.serves[0] = w.serves[1] = false;
}

static void worker_dies(void)
{
	kill_worker();
	fdpass_close(&wsock, 1);
	worker_gone();
}

/* The endpoint may have given it up already. */
static void try_say_stopped(uint32_t i)
{
	struct vgpu_ipc_vring_stopped stopped = { i, w.base[i] };

	ipc_send(wsock, VGPU_IPC_VRING_STOPPED, &stopped, sizeof(stopped),
		 NULL, 0);
}

static void worker_started_ring(void)
{
	uint32_t i = msg.vring.index;
	int base = ledger_ring_base(w.ledger, i);

	if (msg.vring.flags & VGPU_VRING_RESUME) {
		g_assert_true(w.takeover);
		g_assert_cmpint(base, >=, 0);
		w.base[i] = (uint32_t)base;
	} else {
		w.base[i] = msg.vring.base;
	}
	w.serves[i] = true;
	serve_to(w.ledger, i, w.base[i]);
}

/* As a worker, deal with everything that was said; never wait. */
static void worker_turn(void)
{
	int ret = 0;

	if (worker_comes(0)) {
		worker_gone();
		w.present = true;
	}
	if (wsock < 0)
		return;
	while (wsock >= 0 &&
	       (ret = ipc_recv(wsock, IPC_FROM_ENDPOINT, &msg)) == 1) {
		switch (msg.type) {
		case VGPU_IPC_SETUP:
			w.takeover = msg.setup.flags & VGPU_SETUP_TAKEOVER;
			fdpass_close(&w.ledger, 1);
			w.ledger = msg.fds[0];
			msg.fds[0] = -1;
			break;
		case VGPU_IPC_VRING_START:
			worker_started_ring();
			break;
		case VGPU_IPC_VRING_STOP:
			g_assert_true(w.serves[msg.vring_index.index]);
			w.serves[msg.vring_index.index] = false;
			if (w.mortal)
				worker_dies();
			else
				try_say_stopped(msg.vring_index.index);
			break;
		}
		ipc_msg_close(&msg);
	}
	if (ret == 0 && w.present) {	/* the endpoint has ended it */
		fdpass_close(&wsock, 1);
		worker_gone();
	}
}

/* Wait for an answer while the worker works; not long, whatever it does. */
static void answered(uint32_t request, void *payload, int size)
{
	uint64_t end = event_now_ns() + 950000000;
	int got;

	while ((got = vu_reply(request, payload, 1)) < 0) {
		g_assert_cmpuint(event_now_ns(), <, end);
		worker_turn();
	}
	g_assert_cmpint(got, ==, size);
}

static void asked(uint32_t request, const void *payload, uint32_t size)
{
	uint64_t ack = 9;

	vu_send(request, payload, size, NULL, 0);
	answered(request, &ack, 8);
	g_assert_cmpuint(ack, ==, 0);
}

static void progress(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (!w.serves[i])
			continue;
		w.base[i] = (w.base[i] + (uint32_t)g_test_rand_int_range(0, 9))
			    & 0xffff;
		serve_to(w.ledger, (unsigned int)i, w.base[i]);
	}
}

static void test_random(void)
{
	uint32_t base[2] = { 0, 0 };
	bool started[2] = { false, false };
	int round;

	setup();
	vu_negotiate();
	w.ledger = -1;
	for (round = 0; round < 400; round++) {
		uint32_t i = (uint32_t)g_test_rand_bit();
		struct vhost_user_vring_state state = { .index = i };

		switch (g_test_rand_int_range(0, 8)) {
		case 0:
		case 1:
			if (started[i])
				break;
			vu_start(i, base[i]);
			started[i] = true;
			break;
		case 2:
		case 3:
			w.mortal = !g_test_rand_int_range(0, 3);
			vu_ask_base(i);
			answered(VHOST_USER_GET_VRING_BASE, &state,
				 sizeof(state));
			/* never behind what the worker is known to have done */
			if (started[i] && w.ledger >= 0 &&
			    ledger_ring_base(w.ledger, i) >= 0)
				g_assert_cmpint(state.num, ==,
						ledger_ring_base(w.ledger, i));
			base[i] = state.num;
			started[i] = false;
			break;
		case 4:
			if (w.present && !g_test_rand_int_range(0, 3))
				worker_dies();
			break;
		case 5:
			if (g_test_rand_int_range(0, 4))
				break;
			asked(VHOST_USER_RESET_DEVICE, NULL, 0);
			base[0] = base[1] = 0;
			started[0] = started[1] = false;
			break;
		default:
			progress();
		}
		settle();
		worker_turn();
		g_assert_cmpuint(vu_features(), !=, 0);
	}
	/* whatever has happened: a control ring that runs has its worker */
	if (!started[0])
		vu_start(0, base[0]);
	for (round = 0; round < 600 && !w.serves[0]; round++) {
		event_loop_iterate(loop, 5);
		worker_turn();
	}
	g_assert_true(w.serves[0]);
	fdpass_close(&w.ledger, 1);
	teardown();
}

int main(int argc, char **argv)
{
	play_init(&argc, &argv);
	runner_add("/endpoint/stop/cont", test_stop_cont, 0);
	runner_add("/endpoint/stop/hung", test_stop_hung, 0);
	runner_add("/endpoint/stop/death", test_stop_death, 0);
	runner_add("/endpoint/death/replaced", test_death, 0);
	runner_add("/endpoint/death/nonsense", test_nonsense, 0);
	runner_add("/endpoint/death/back-off", test_back_off, 0);
	runner_add("/endpoint/death/no-program", test_no_program, 0);
	runner_add("/endpoint/death/deaf", test_deaf, 0);
	runner_add("/endpoint/reset", test_reset, 0);
	runner_add("/endpoint/disconnect", test_disconnect, 0);
	runner_add("/endpoint/random", test_random, 0);
	return runner_run();
}
