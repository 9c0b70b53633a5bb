/* A power failure for one folder, as an LD_PRELOAD library.
 *
 * Each fsync or fdatasync of a file under POWERLOSS_FOLDER copies the file's content into
 * POWERLOSS_IMAGE/content; each fsync of a folder records there which names it holds and which
 * file each name means. That is all that POSIX promises to survive. After the processes were
 * killed, powerloss.py puts the folder back to what the image holds: content never synced is gone,
 * and so are names whose folder was never synced after they were made, renamed or removed.
 *
 * Not modelled: O_SYNC, msync, syncfs (their effects count as lost), and sectors torn in a sync.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void must(int good, const char *what) {
    if (good) return;
    /* A shim that fails in silence would make every test pass. */
    perror(what);
    abort();
}

/* Inode numbers are used again; with its time of birth, a file is itself and no other. */
static int look(int folder, const char *name, struct statx *status, char key[64]) {
    if (statx(folder, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
              STATX_BASIC_STATS | STATX_BTIME, status) != 0) return 0;
    snprintf(key, 64, "%llu-%lld.%u", (unsigned long long)status->stx_ino,
             (long long)status->stx_btime.tv_sec, status->stx_btime.tv_nsec);
    return 1;
}

static void copy_content(int fd, FILE *image) {
    char buffer[1 << 16];
    ssize_t count;
    off_t at = 0;
    /* Through the caller's own descriptor where it can read: opening and closing the file once
     * more would drop the caller's POSIX locks on it (fcntl(2)), and SQLite lives by those. */
    int again = -1;
    if (pread(fd, buffer, 1, 0) < 0 && errno == EBADF) {
        snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", fd);
        must((fd = again = open(buffer, O_RDONLY | O_CLOEXEC)) >= 0, "powerloss: open");
    }
    for (; (count = pread(fd, buffer, sizeof buffer, at)) > 0; at += count)
        must(fwrite(buffer, 1, count, image) == (size_t)count, "powerloss: write");
    must(count == 0, "powerloss: read");
    if (again >= 0) close(again);
}

static void copy_names(int fd, FILE *image) {
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    struct statx status;
    char key[64];
    must(folder != NULL, "powerloss: opendir");
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            look(again, entry->d_name, &status, key))
            fprintf(image, "%o %u %u %s %s%c", status.stx_mode, status.stx_uid, status.stx_gid,
                    key, entry->d_name, 0);
    closedir(folder);
}

static void record(int fd) {
    static __thread unsigned long turn;
    const char *folder = getenv("POWERLOSS_FOLDER"), *image = getenv("POWERLOSS_IMAGE");
    char link[64], path[PATH_MAX], key[64], making[PATH_MAX], kept[PATH_MAX];
    struct statx status;
    size_t length = folder ? strlen(folder) : 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (!folder || !image || count < 0) return;
    path[count] = 0;
    if (strncmp(path, folder, length) || (path[length] && path[length] != '/')) return;
    must(look(fd, "", &status, key), "powerloss: statx");
    int names = S_ISDIR(status.stx_mode);
    snprintf(making, sizeof making, "%s/making/%d-%lx-%lu", image, getpid(),
             (unsigned long)syscall(SYS_gettid), ++turn);
    snprintf(kept, sizeof kept, "%s/%s/%s", image, names ? "names" : "content",
             path[length] ? key : "root");
    FILE *out = fopen(making, "we");
    must(out != NULL, "powerloss: image");
    (names ? copy_names : copy_content)(fd, out);
    must(fclose(out) == 0 && rename(making, kept) == 0, "powerloss: image");
}

static int synced(int result, int fd) {
    int error = errno;
    if (result == 0) record(fd);
    errno = error;
    return result;
}

int fsync(int fd) { return synced(syscall(SYS_fsync, fd), fd); }
int fdatasync(int fd) { return synced(syscall(SYS_fdatasync, fd), fd); }
