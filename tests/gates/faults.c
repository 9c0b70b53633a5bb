/* One failing disk call, as an LD_PRELOAD library.
 *
 * Calls that change or sync what lies under FAULTS_FOLDER are counted across all processes of a
 * play, in the first eight bytes of the file FAULTS_COUNT. Call number FAULTS_AT fails with errno
 * FAULTS_ERRNO and has no effect, or, when that is -1, kills its process; all others pass. Enumerating FAULTS_AT from 1 to the count of an
 * undisturbed play visits every point at which the disk can fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic long *counter;

static long setting(const char *name) {
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULTS_COUNT");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        /* A shim that counts nothing would make every test pass. */
        perror("faults: FAULTS_COUNT");
        abort();
    }
    close(fd);
    counter = map;
}

static int below(const char *path) {
    const char *folder = getenv("FAULTS_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length) && (!path[length] || path[length] == '/');
}

/* Whether this call is the one that fails; sets errno then. */
static int fails(int counts) {
    if (!counts || atomic_fetch_add(counter, 1) + 1 != setting("FAULTS_AT")) return 0;
    errno = (int)setting("FAULTS_ERRNO");
    if (errno == -1) raise(SIGKILL);
    return 1;
}

static int fails_on(int fd) {
    char link[64], path[PATH_MAX];
    int error = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, sizeof path - 1);
    errno = error;
    if (count < 0) return 0;
    path[count] = 0;
    return fails(below(path));
}

static int fails_at(int folder, const char *name) {
    char link[64], path[PATH_MAX];
    if (name[0] == '/') return fails(below(name));
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0) return 0;
    path[count] = 0;
    return fails(below(path));
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ON_FILE(type, name, parameters, ...) \
    type name parameters { return fails_on(fd) ? -1 : NEXT(name)(__VA_ARGS__); }
#define ON_NAME(name, folder, path, parameters, ...) \
    int name parameters { return fails_at(folder, path) ? -1 : NEXT(name)(__VA_ARGS__); }

ON_FILE(int, fsync, (int fd), fd)
ON_FILE(int, fdatasync, (int fd), fd)
ON_FILE(int, ftruncate, (int fd, off_t size), fd, size)
ON_FILE(int, ftruncate64, (int fd, off64_t size), fd, size)
ON_FILE(ssize_t, write, (int fd, const void *data, size_t size), fd, data, size)
ON_FILE(ssize_t, writev, (int fd, const struct iovec *parts, int count), fd, parts, count)
ON_FILE(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), fd, data, size, at)
ON_FILE(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), fd, data, size, at)
ON_NAME(unlink, AT_FDCWD, path, (const char *path), path)
ON_NAME(unlinkat, folder, path, (int folder, const char *path, int flags), folder, path, flags)
ON_NAME(rename, AT_FDCWD, to, (const char *from, const char *to), from, to)
ON_NAME(renameat, there, to, (int here, const char *from, int there, const char *to), here, from,
        there, to)
ON_NAME(mkdir, AT_FDCWD, path, (const char *path, mode_t mode), path, mode)
ON_NAME(link, AT_FDCWD, to, (const char *from, const char *to), from, to)

/* Opening counts only where it may create. */
static int opens(int folder, const char *path, int flags, mode_t mode) {
    if ((flags & O_CREAT) && fails_at(folder, path)) return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define OPEN(name, folder, parameters, ...)                                   \
    int name parameters {                                                     \
        va_list rest;                                                         \
        va_start(rest, flags);                                                \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                         \
        return opens(folder, path, flags, mode);                              \
    }

OPEN(open, AT_FDCWD, (const char *path, int flags, ...))
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...))
OPEN(openat, folder, (int folder, const char *path, int flags, ...))
OPEN(openat64, folder, (int folder, const char *path, int flags, ...))
