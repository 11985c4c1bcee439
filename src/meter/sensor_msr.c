/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor's own energy registers through /dev/cpu/N/msr: 32 bits wide, one set a
 * package (Intel SDM vol. 3B, 15.10 "Platform specific power management support"; AMD PPR
 * for family 17h, "RAPL"). What powercap and perf show too, hence tried after them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "meter/cpu_info.h"
#include "meter/sensor.h"
#include "meter/sysfs.h"

#define SPOTS 64 /* packages or dies; with more of them there is no total */

#define KEPT (1 + 2 * SPOTS) /* registers that are read once */

#define INTEL_UNIT 0x606u
#define INTEL_LIMIT 0x610u /* PL1 in bits 14:0, PL2 in bits 46:32 */
#define INTEL_INFO 0x614u  /* design power in bits 14:0, maximum in bits 46:32 */
#define AMD_UNIT 0xc0010299u

typedef struct reg {
  uint32_t address;
  enum fr__domain_kind kind;
  const char *label;
} reg;

static const reg intel_regs[] = {{0x64d, FR__DOMAIN_PLATFORM, "psys"},
                                 {0x611, FR__DOMAIN_PACKAGE, "package"},
                                 {0x619, FR__DOMAIN_DRAM, "dram"},
                                 {0x639, FR__DOMAIN_PART, "core"},
                                 {0x641, FR__DOMAIN_PART, "uncore"}};
static const reg amd_package = {0xc001029b, FR__DOMAIN_PACKAGE, "package"};

/* A package (Intel: a die of it), and the first processor in it. */
typedef struct spot {
  uint64_t package, die;
  unsigned cpu;
} spot;

typedef struct msr {
  fr__world *world;
  fr__cpu_info cpu;
  bool amd;
  size_t spots;
  spot spot[SPOTS];
  bool crowded; /* there were more */
  double unit_j, power_unit_w;
  fr__channel *kept[KEPT]; /* owned */
  size_t kept_count;
} msr;

/* ---- where the registers are ---- */

static int open_register(fr__world *world, unsigned cpu, uint32_t address,
                         fr__channel **out) {
  char path[64];
  if (fr__world_is_replay(world))
    snprintf(path, sizeof path, "msr:%u:0x%x", cpu, address);
  else
    snprintf(path, sizeof path, "/dev/cpu/%u/msr", cpu);
  return fr__world_open(world, path, out);
}

/* NULL where that fails. */
static int open_and_read(fr__world *world, unsigned cpu, uint32_t address,
                         fr__channel **out, uint64_t *bits) {
  fr__channel *channel = NULL;
  int failed = open_register(world, cpu, address, &channel);
  if (failed == 0)
    failed = fr__channel_raw(channel, address, bits);
  if (failed != 0)
    fr__channel_close(channel);
  *out = failed == 0 ? channel : NULL;
  return failed;
}

/* Read once, but kept open: a recording holds the registers that are. */
static int read_kept(msr *m, unsigned cpu, uint32_t address, uint64_t *bits) {
  fr__channel *channel;
  const int failed = open_and_read(m->world, cpu, address, &channel, bits);
  if (failed == 0 && m->kept_count < KEPT)
    m->kept[m->kept_count++] = channel;
  else
    fr__channel_close(channel);
  return failed;
}

static uint64_t die_of(fr__world *world, unsigned cpu) {
  char path[128];
  uint64_t number = 0;
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/die_id", cpu);
  /* Missing on old kernels: then there is one. */
  return fr__world_u64(world, path, &number) == 0 ? number : 0;
}

static bool note_cpu(void *self, const char *name) {
  msr *m = self;
  char *end;
  if (strncmp(name, "cpu", 3) != 0 || name[3] < '0' || name[3] > '9')
    return true;
  const unsigned long cpu = strtoul(name + 3, &end, 10);
  char path[128];
  uint64_t package;
  snprintf(path, sizeof path,
           "/sys/devices/system/cpu/cpu%.10s/topology/physical_package_id", name + 3);
  /* A processor that is offline has no topology. */
  if (*end != '\0' || cpu > 1u << 20 || fr__world_u64(m->world, path, &package) != 0)
    return true;
  const uint64_t die = m->amd ? 0 : die_of(m->world, (unsigned)cpu);
  for (size_t i = 0; i < m->spots; i++) {
    if (m->spot[i].package == package && m->spot[i].die == die)
      return true;
  }
  m->crowded = m->spots == SPOTS;
  if (!m->crowded)
    m->spot[m->spots++] = (spot){package, die, (unsigned)cpu};
  return !m->crowded;
}

/* Intel counts by die; AMD's dies of one package show one counter (Linux reads it once a
 * package as well). A tree without topology is one package. */
static void find_spots(msr *m) {
  (void)fr__world_list(m->world, "/sys/devices/system/cpu", note_cpu, m);
  if (m->spots == 0)
    m->spots = 1, m->spot[0] = (spot){0, 0, 0};
}

/* ---- units ---- */

/* Bits 12:8 of the unit register are n of 2^-n J, but on Silvermont and Airmont of 2^n
 * microjoules (SDM vol. 4, table 2-8). */
static double energy_unit(const msr *m, uint64_t bits) {
  static const unsigned atoms[] = {0x37, 0x4a, 0x4c, 0x5a, 0x5d};
  const double power = (double)(1u << (bits >> 8 & 0x1f));
  for (size_t i = 0; !m->amd && i < sizeof atoms / sizeof *atoms; i++) {
    if (m->cpu.model == atoms[i])
      return power * 1e-6;
  }
  return 1 / power;
}

/* Servers whose DRAM counts 2^-16 J whatever the unit register says: Haswell, Broadwell,
 * Skylake, Ice Lake, Sapphire and Emerald Rapids, Knights Landing and Mill (their
 * datasheets, vol. 2, DRAM_ENERGY_STATUS). */
static bool has_server_dram(const msr *m) {
  static const unsigned models[] = {0x3f, 0x4f, 0x56, 0x55, 0x6a,
                                    0x6c, 0x8f, 0xcf, 0x57, 0x85};
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    if (m->cpu.model == models[i])
      return true;
  }
  return false;
}

static double unit_of(const msr *m, const reg *r) {
  if (!m->amd && r->kind == FR__DOMAIN_DRAM && has_server_dram(m))
    return 1.0 / 65536;
  /* psys of Sapphire and Emerald Rapids counts whole joules. */
  if (r->kind == FR__DOMAIN_PLATFORM && (m->cpu.model == 0x8f || m->cpu.model == 0xcf))
    return 1;
  return m->unit_j;
}

/* The greatest that the package is ever allowed, of four figures; 0: not told. */
static double power_limit(msr *m, unsigned cpu) {
  static const uint32_t sources[] = {INTEL_LIMIT, INTEL_INFO};
  uint64_t most = 0;
  for (size_t i = 0; !m->amd && i < 2; i++) {
    uint64_t bits;
    if (read_kept(m, cpu, sources[i], &bits) != 0)
      continue;
    const uint64_t low = bits & 0x7fff, high = bits >> 32 & 0x7fff;
    most = low > most ? low : most;
    most = high > most ? high : most;
  }
  return (double)most * m->power_unit_w;
}

/* ---- domains ---- */

static enum fr_status add(fr__sensor *sensor, const reg *r, const spot *at,
                          fr_error *err) {
  msr *m = sensor->own;
  fr__channel *channel;
  uint64_t raw;
  /* Registers that this model has not fail (EIO); they are no domains. */
  if (open_and_read(m->world, at->cpu, r->address, &channel, &raw) != 0)
    return FR_OK;
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL) {
    fr__channel_close(channel);
    return fr__fail_memory(err, "an energy register");
  }
  domain->channel = channel;
  domain->state = FR_SENSOR_WORKING;
  snprintf(domain->name, sizeof domain->name, "msr cpu%u 0x%x (%s-%u)", at->cpu,
           r->address, r->label, (unsigned)at->package);
  if (r->kind == FR__DOMAIN_PLATFORM)
    snprintf(domain->key, sizeof domain->key, "psys");
  else
    snprintf(domain->key, sizeof domain->key, "package-%u/%u/%s", (unsigned)at->package,
             (unsigned)at->die, r->label);
  domain->kind = r->kind;
  domain->unit_j = unit_of(m, r);
  domain->modulus = (uint64_t)1 << 32;
  domain->modulus_known = true;
  if (r->kind == FR__DOMAIN_PACKAGE)
    domain->power_limit_w = power_limit(m, at->cpu);
  domain->place = r->address;
  return FR_OK;
}

/* AMD's registers of single cores (0xc001029a) are inside the package, and each reading
 * would wake its core: they are left alone. */
static enum fr_status add_spot(fr__sensor *sensor, const spot *at, fr_error *err) {
  const msr *m = sensor->own;
  if (m->amd)
    return add(sensor, &amd_package, at, err);
  enum fr_status status = FR_OK;
  for (size_t r = 0; r < sizeof intel_regs / sizeof *intel_regs; r++) {
    /* Each package shows the one platform counter: it is taken once. */
    const bool again = intel_regs[r].kind == FR__DOMAIN_PLATFORM && at != &m->spot[0];
    if (status == FR_OK && !again)
      status = add(sensor, &intel_regs[r], at, err);
  }
  return status;
}

/* ---- what is in the way ---- */

static enum fr_status forbid(fr__sensor *sensor, int number, fr_error *err) {
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL)
    return fr__fail_memory(err, "an energy register");
  char self[128];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  self[length > 0 ? length : 0] = '\0';
  snprintf(domain->name, sizeof domain->name, "msr");
  domain->kind = FR__DOMAIN_PACKAGE;
  domain->state = FR_SENSOR_FORBIDDEN;
  snprintf(domain->reason, sizeof domain->reason,
           "/dev/cpu/*/msr cannot be opened: %.60s; it needs the file's permission and "
           "the capability CAP_SYS_RAWIO",
           strerror(number));
  snprintf(domain->fix, sizeof domain->fix,
           "sudo setcap cap_sys_rawio,cap_dac_read_search+ep %s", self);
  return FR_OK;
}

static void explain(fr__sensor *sensor, int number) {
  const char *why = "its registers cannot be read";
  if (number == ENOENT || number == ENXIO || number == ENODEV)
    why = "the kernel's module 'msr' is not loaded (sudo modprobe msr)";
  else if (number == EIO)
    why = "this processor, or virtual machine, has no energy registers";
  snprintf(sensor->reason, sizeof sensor->reason, "%s: %.60s", why, strerror(number));
}

static enum fr_status add_all(fr__sensor *sensor, fr_error *err) {
  msr *m = sensor->own;
  uint64_t bits;
  find_spots(m);
  if (m->crowded) {
    snprintf(sensor->reason, sizeof sensor->reason,
             "more than %d packages or dies: not all could be read", SPOTS);
    return FR_OK;
  }
  const int failed = read_kept(m, m->spot[0].cpu, m->amd ? AMD_UNIT : INTEL_UNIT, &bits);
  if (failed == EACCES || failed == EPERM)
    return forbid(sensor, failed, err);
  if (failed != 0) {
    explain(sensor, failed);
    return FR_OK;
  }
  m->unit_j = energy_unit(m, bits);
  m->power_unit_w = 1.0 / (double)(1u << (bits & 0xf));
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < m->spots && status == FR_OK; i++)
    status = add_spot(sensor, &m->spot[i], err);
  if (status == FR_OK && sensor->count == 0)
    explain(sensor, EIO);
  return status;
}

static enum fr_status msr_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  msr *m = calloc(1, sizeof *m);
  if (m == NULL)
    return fr__fail_memory(err, "the energy registers");
  sensor->own = m;
  m->world = world;
  if (fr__cpu_info_read(fr__world_root(world), &m->cpu, NULL) == FR_OK) {
    m->amd = strcmp(m->cpu.vendor, "AuthenticAMD") == 0 ||
             strcmp(m->cpu.vendor, "HygonGenuine") == 0;
    if (m->amd ? m->cpu.family >= 0x17 : strcmp(m->cpu.vendor, "GenuineIntel") == 0)
      return add_all(sensor, err);
  }
  snprintf(sensor->reason, sizeof sensor->reason,
           "no energy registers are known of this processor (Intel's since Sandy Bridge "
           "and AMD's since family 17h have some)");
  return FR_OK;
}

static void msr_close(fr__sensor *sensor) {
  msr *m = sensor->own;
  for (size_t i = 0; m != NULL && i < m->kept_count; i++)
    fr__channel_close(m->kept[i]);
  free(m);
}

static int msr_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                    uint64_t *raw) {
  (void)sensor, (void)load;
  uint64_t bits = 0;
  const int failed = fr__channel_raw(domain->channel, domain->place, &bits);
  *raw = bits & 0xffffffffu; /* bits 63:32 are reserved */
  return failed;
}

/* Renewed about every millisecond (SDM vol. 3B, 15.10.1). */
const fr__sensor_ops fr__sensor_msr = {.name = "msr",
                                       .source = FR_SOURCE_MSR,
                                       .update_s = 0.001,
                                       .open = msr_open,
                                       .close = msr_close,
                                       .read = msr_read};
