/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - runs a fuzz target without a fuzzer: its corpus, and mutations of it
 *
 * The same sources link with libFuzzer (tests/fuzz/run), with FUZZ_LIBFUZZER
 * defined and without main().
 */
#ifndef TESTS_LIB_FUZZ_H
#define TESTS_LIB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int (*fuzz_fn)(const uint8_t *data, size_t size);

/**
 * fuzz_main() - arguments are files and folders to replay
 * @random: inputs to make up besides, by mutation where there is a corpus
 *
 * The same inputs at every run. Return: exit status.
 */
int fuzz_main(int argc, char **argv, fuzz_fn fn, unsigned int random);

#endif
