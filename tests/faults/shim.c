/* Stands before libc in the processes of a sweep and lets one of their calls go wrong.
 *
 *   FAULT_CALL    which calls, with commas between: open (for writing), read, write, fsync, rename,
 *                 mkdir, unlink
 *   FAULT_PLACE   of which files: their path begins so
 *   FAULT_COUNT   a file that counts these calls over all processes, a byte for each
 *   FAULT_NTH     which of them goes wrong, from 1
 *   FAULT_LASTING set: and all that come after it
 *   FAULT_ERRNO   it fails with this error, or
 *   FAULT_SIGNAL  it sends this signal to FAULT_TARGET (self, parent or group), and goes on
 *   FAULT_TORN    set: half of the bytes are written before
 *   FAULT_CENSUS  a file that lists every call on files below FAULT_PLACE
 *   FAULT_CLOCK   seconds by which the wall clock is off, after FAULT_READINGS looks at it
 *
 * Without these variables every call goes straight through.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PATH 4096

static const char *text(const char *name) { return getenv(name); }

static long number(const char *name, long otherwise) {
  const char *value = text(name);
  return value ? atol(value) : otherwise;
}

/* Append to a file past the wrappers below; return where the file ends then. */
static off_t append(const char *path, const char *bytes, size_t size) {
  int file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0)
    return 0;
  syscall(SYS_write, file, bytes, size);
  off_t end = lseek(file, 0, SEEK_CUR);
  syscall(SYS_close, file);
  return end;
}

static int is_below(const char *path) {
  const char *place = text("FAULT_PLACE");
  return place && path && strncmp(path, place, strlen(place)) == 0;
}

static void list(const char *call, const char *path) {
  char line[PATH + 32];
  int size = snprintf(line, sizeof line, "%s %s\n", call, path);
  append(text("FAULT_CENSUS"), line, size);
}

/* Count a call; return whether it is to go wrong. */
static int is_due(const char *call, const char *path) {
  if (!is_below(path))
    return 0;
  if (text("FAULT_CENSUS"))
    list(call, path);
  const char *wanted = text("FAULT_CALL"), *count = text("FAULT_COUNT");
  if (!wanted || !count || !strstr(wanted, call))
    return 0;
  long nth = number("FAULT_NTH", 1), now = append(count, ".", 1);
  return text("FAULT_LASTING") ? now >= nth : now == nth;
}

static void send_signal(void) {
  const char *target = text("FAULT_TARGET");
  int sent = number("FAULT_SIGNAL", SIGKILL);
  if (!target || strcmp(target, "self") == 0)
    kill(getpid(), sent);
  else if (strcmp(target, "parent") == 0)
    kill(getppid(), sent);
  else
    kill(0, sent);
}

/* Let a call go wrong; return whether it fails. */
static int go_wrong(void) {
  if (text("FAULT_SIGNAL"))
    send_signal();
  errno = number("FAULT_ERRNO", 0);
  return errno != 0;
}

static int fails(const char *call, const char *path) { return is_due(call, path) && go_wrong(); }

static const char *path_of(int file, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, path, PATH - 1);
  if (size < 0)
    return NULL;
  path[size] = 0;
  return path;
}

ssize_t write(int file, const void *bytes, size_t size) {
  char path[PATH];
  if (text("FAULT_PLACE") && is_due("write", path_of(file, path))) {
    if (text("FAULT_TORN"))
      NEXT(write)(file, bytes, size / 2);
    if (go_wrong())
      return -1;
  }
  return NEXT(write)(file, bytes, size);
}

ssize_t read(int file, void *bytes, size_t size) {
  char path[PATH];
  if (text("FAULT_PLACE") && fails("read", path_of(file, path)))
    return -1;
  return NEXT(read)(file, bytes, size);
}

int fsync(int file) {
  char path[PATH];
  if (text("FAULT_PLACE") && fails("fsync", path_of(file, path)))
    return -1;
  return NEXT(fsync)(file);
}

int rename(const char *from, const char *to) {
  return fails("rename", to) ? -1 : NEXT(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
  return fails("mkdir", path) ? -1 : NEXT(mkdir)(path, mode);
}

int unlink(const char *path) { return fails("unlink", path) ? -1 : NEXT(unlink)(path); }

#define OPEN(name, ...)                                                                          \
  va_list rest;                                                                                  \
  va_start(rest, flags);                                                                         \
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                        \
  va_end(rest);                                                                                  \
  if ((flags & O_ACCMODE) != O_RDONLY && fails("open", path))                                    \
    return -1;                                                                                   \
  return NEXT(name)(__VA_ARGS__)

int open(const char *path, int flags, ...) { OPEN(open, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN(open64, path, flags, mode); }

int clock_gettime(clockid_t clock, struct timespec *now) {
  static long readings;
  int result = NEXT(clock_gettime)(clock, now);
  long offset = number("FAULT_CLOCK", 0);
  if (offset && clock == CLOCK_REALTIME && ++readings > number("FAULT_READINGS", 0))
    now->tv_sec += offset;
  return result;
}
