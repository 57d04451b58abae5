/* Lets one call that changes files fail, for tests/trust/test_writes.py, which preloads this library.
 *
 * It counts the calls of open for writing, write, fsync, ftruncate, close, rename and mkdir that concern files below
 * a folder, in all processes together. Environment, looked at until FAILING_ROOT is set:
 *
 *   FAILING_ROOT   the folder, without links in it
 *   FAILING_COUNT  a file of 8 bytes: the number of calls so far
 *   FAILING_LOG    a file: what failed
 *   FAILING_NTH    the number of the call that fails; 0: none
 *   FAILING_CAUSE  its errno; EACCES stands for EIO where a file is open already
 *   FAILING_ON     1: all later calls fail as well, as on a disk that stays full
 *   CLOCK_BACK     seconds by which the clock goes back once there is a file
 *   CLOCK_FILE     of this pattern
 *
 * A write that fails has written half of its bytes before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { kDescriptors = 65536 };

static char root[PATH_MAX];
static size_t root_length;
static long nth;
static int cause, goes_on;
static long *count;
static unsigned char ours[kDescriptors];   /* open for writing below the folder */
static unsigned char broken[kDescriptors]; /* has written half of what it was to write */

#define NEXT(type, name, parameters) \
    static type (*next)parameters; \
    if (!next) next = (type (*)parameters)dlsym(RTLD_NEXT, name)

static int is_armed(void) {
    if (root_length) return 1;
    const char *folder = getenv("FAILING_ROOT");
    if (!folder || !*folder) return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAILING_COUNT"), O_RDWR, 0);
    if (file < 0) return 0;
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (count == MAP_FAILED) return 0;
    nth = atol(getenv("FAILING_NTH"));
    cause = atoi(getenv("FAILING_CAUSE"));
    goes_on = atoi(getenv("FAILING_ON"));
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    return 1;
}

static int is_below(int folder, const char *path) {
    char whole[2 * PATH_MAX];
    if (!path || !is_armed()) return 0;
    if (path[0] == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        char name[64];
        snprintf(name, sizeof name, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t length = readlink(name, whole, PATH_MAX);
        if (length < 0) return 0;
        snprintf(whole + length, sizeof whole - (size_t)length, "/%s", path);
    }
    return strncmp(whole, root, root_length) == 0 && (whole[root_length] == '/' || !whole[root_length]);
}

static void note(const char *what, const char *path, int error) {
    char line[PATH_MAX + 100];
    int length = snprintf(line, sizeof line, "%d\t%s\t%s\n", error, what, path);
    int file = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAILING_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0) return;
    syscall(SYS_write, file, line, length);
    syscall(SYS_close, file);
}

static int fails(const char *what, const char *path, int error) {
    long now = __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    if (!nth || now < nth || (now > nth && !goes_on)) return 0;
    if (now == nth) note(what, path, error);
    errno = error;
    return 1;
}

static int is_ours(int file) { return file >= 0 && file < kDescriptors && ours[file]; }

static int fails_open(const char *what, int file) {
    if (!is_ours(file)) return 0;
    char name[64], path[PATH_MAX] = "?";
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length > 0) path[length] = 0;
    return fails(what, path, cause == EACCES ? EIO : cause);
}

static int opened(int file, int is_counted) {
    if (file >= 0 && file < kDescriptors) {
        ours[file] = is_counted != 0;
        broken[file] = 0;
    }
    return file;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    int counts = (flags & O_ACCMODE) != O_RDONLY && is_below(folder, path);
    if (counts && fails("open", path, cause)) return -1;
    long file = syscall(SYS_openat, folder, path, flags, mode);
    return opened((int)file, counts);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return open_at(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return open_at(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static FILE *open_stream(const char *path, const char *mode, FILE *(*next)(const char *, const char *)) {
    int counts = strpbrk(mode, "wa+") && is_below(AT_FDCWD, path);
    if (counts && fails("fopen", path, cause)) return NULL;
    FILE *stream = next(path, mode);
    if (stream) opened(fileno(stream), counts);
    return stream;
}

FILE *fopen(const char *path, const char *mode) {
    NEXT(FILE *, "fopen", (const char *, const char *));
    return open_stream(path, mode, next);
}

FILE *fopen64(const char *path, const char *mode) {
    NEXT(FILE *, "fopen64", (const char *, const char *));
    return open_stream(path, mode, next);
}

static int refuses(int file) {
    if (!is_ours(file) || !broken[file]) return 0;
    errno = cause == EACCES ? EIO : cause;
    return 1;
}

ssize_t write(int file, const void *bytes, size_t size) {
    if (refuses(file)) return -1;
    if (fails_open("write", file)) {
        broken[file] = 1;
        return size > 1 ? syscall(SYS_write, file, bytes, size / 2) : -1;
    }
    return syscall(SYS_write, file, bytes, size);
}

ssize_t writev(int file, const struct iovec *parts, int number) {
    if (refuses(file)) return -1;
    if (fails_open("writev", file)) {
        broken[file] = 1;
        return -1;
    }
    return syscall(SYS_writev, file, parts, number);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
    if (refuses(file) || fails_open("pwrite", file)) return -1;
    return syscall(SYS_pwrite64, file, bytes, size, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) { return pwrite(file, bytes, size, at); }

int fsync(int file) { return fails_open("fsync", file) ? -1 : (int)syscall(SYS_fsync, file); }
int fdatasync(int file) { return fails_open("fdatasync", file) ? -1 : (int)syscall(SYS_fdatasync, file); }
int ftruncate(int file, off_t size) { return fails_open("ftruncate", file) ? -1 : (int)syscall(SYS_ftruncate, file, size); }
int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

int close(int file) {
    int failed = fails_open("close", file), error = errno;
    opened(file, 0);
    int result = (int)syscall(SYS_close, file);
    if (failed) errno = error;
    return failed ? -1 : result;
}

static int rename_at(int from, const char *old, int to, const char *new, unsigned flags) {
    if (is_below(to, new) && fails("rename", new, cause)) return -1;
    return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

int rename(const char *old, const char *new) { return rename_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return rename_at(from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    return rename_at(from, old, to, new, flags);
}

static int make_folder(int folder, const char *path, mode_t mode) {
    if (is_below(folder, path) && fails("mkdir", path, cause)) return -1;
    return (int)syscall(SYS_mkdirat, folder, path, mode);
}

int mkdir(const char *path, mode_t mode) { return make_folder(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { return make_folder(folder, path, mode); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int has_gone_back;
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    const char *back = clock == CLOCK_REALTIME ? getenv("CLOCK_BACK") : NULL;
    if (!back || result) return result;
    if (!has_gone_back) {
        glob_t found;
        has_gone_back = glob(getenv("CLOCK_FILE"), 0, NULL, &found) == 0;
        globfree(&found);
    }
    if (has_gone_back) now->tv_sec -= atol(back);
    return result;
}
