// Answers the processor's questions about itself without AVX-512, for programs whose `cpuid`
// instructions held.py has replaced by a trap. Preloaded; HELD=avxvnni leaves AVX-VNNI on.

#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static int vnni;

static void answer(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  unsigned leaf = registers[REG_RAX], part = registers[REG_RCX], a, b, c, d;
  // The trap is followed by the second byte of what it replaced.
  if (*(unsigned char *)registers[REG_RIP] != 0x90) abort();
  __cpuid_count(leaf, part, a, b, c, d);
  if (leaf == 7 && part == 0) {
    b &= ~0xdc230000u;  // F, DQ, IFMA, PF, ER, CD, BW, VL
    c &= ~0x00005842u;  // VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ
    d &= ~0x03c0010cu;  // 4VNNIW, 4FMAPS, VP2INTERSECT, AMX, FP16
  }
  if (leaf == 7 && part == 1) {
    a &= ~(vnni ? 0x00000020u : 0x00800030u);  // BF16; AVX-VNNI, AVX-IFMA
    d &= ~(vnni ? 0x00080000u : 0x00080430u);  // AVX10; AVX-VNNI-INT8, NE-CONVERT, AVX-VNNI-INT16
  }
  registers[REG_RAX] = a, registers[REG_RBX] = b;
  registers[REG_RCX] = c, registers[REG_RDX] = d;
}

__attribute__((constructor)) static void install(void) {
  const char *held = getenv("HELD");
  vnni = held && strcmp(held, "avxvnni") == 0;
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGTRAP, &action, NULL);
}
