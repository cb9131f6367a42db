/* A disk that has only what was synced, for the power loss test: loaded into the writing process with LD_PRELOAD.
 *
 * The files the process writes are in MADANG_TEST_POWER_LOSS_FOLDER; this library keeps their twins in
 * MADANG_TEST_POWER_LOSS_DISK. A write goes to the file alone. A sync brings what was written since the last sync to the
 * twin. Now and then, as a kernel does, a write (or its first sectors) reaches the twin unasked, in any order:
 * MADANG_TEST_POWER_LOSS_SEED decides. When the process is killed, the twins are the disk after the loss of power.
 *
 * Files are known by /proc/self/fd, and read through the descriptor of the caller: to close another one on the same
 * file would drop the locks SQLite holds on it. Memory-mapped files (-shm) are not kept: they do not survive a restart.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define ONE_IN 4

struct range {
    char *name;
    off_t offset;
    size_t length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct range *unsynced;
static size_t unsynced_count, unsynced_room;
static unsigned long seed;

static void require(int true_here, const char *what) {
    if (!true_here) {
        perror(what);
        abort();
    }
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    require(found != NULL, name);
    return found;
}

static unsigned long random_number(void) {
    if (seed == 0) {
        const char *text = getenv("MADANG_TEST_POWER_LOSS_SEED");
        seed = (text ? strtoul(text, NULL, 10) : 0) * 2654435761u + 1;
    }
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

/* The name behind the watched folder, or NULL for what is not watched. */
static const char *name_in_folder(const char *path) {
    const char *folder = getenv("MADANG_TEST_POWER_LOSS_FOLDER");
    size_t length = folder ? strlen(folder) : 0, whole = strlen(path);
    if (length == 0 || strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
    if (whole >= 4 && strcmp(path + whole - 4, "-shm") == 0) return NULL;
    return path + length + 1;
}

static const char *name_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return name_in_folder(path);
}

static void twin_path(const char *name, char *path) {
    const char *disk = getenv("MADANG_TEST_POWER_LOSS_DISK");
    require(disk && snprintf(path, PATH_MAX, "%s/%s", disk, name) < PATH_MAX, "the path of a twin");
}

static void bring(int file, int twin, off_t offset, size_t length) {
    ssize_t (*really)(int, const void *, size_t, off_t) = next("pwrite");
    char bytes[1 << 16], link[64];
    /* SQLite's files are open for reading as well; a file that is not has no locks to lose. */
    int own = -1;
    if ((fcntl(file, F_GETFL) & O_ACCMODE) == O_WRONLY) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        file = own = open(link, O_RDONLY);
    }
    while (length > 0) {
        ssize_t got = pread(file, bytes, length < sizeof bytes ? length : sizeof bytes, offset);
        require(got >= 0, "read what was written");
        if (got == 0) break; /* cut off since */
        require(really(twin, bytes, got, offset) == got, "write the twin");
        offset += got;
        length -= got;
    }
    if (own >= 0) close(own);
}

/* Folders are taken to be there as soon as something in them is. */
static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

static int open_twin(const char *name) {
    char path[PATH_MAX];
    twin_path(name, path);
    make_folders(path);
    int twin = open(path, O_RDWR | O_CREAT, 0600);
    require(twin >= 0, path);
    return twin;
}

static void written(int file, off_t offset, ssize_t length) {
    char path[PATH_MAX];
    const char *name = length > 0 ? name_of(file, path) : NULL;
    if (!name) return;
    pthread_mutex_lock(&lock);
    if (unsynced_count == unsynced_room) {
        unsynced_room = unsynced_room ? 2 * unsynced_room : 1024;
        unsynced = realloc(unsynced, unsynced_room * sizeof *unsynced);
        require(unsynced != NULL, "memory");
    }
    unsynced[unsynced_count++] = (struct range){strdup(name), offset, length};
    if (random_number() % ONE_IN == 0) {
        size_t sectors = 1 + length / SECTOR, reaches = (1 + random_number() % sectors) * SECTOR;
        int twin = open_twin(name);
        bring(file, twin, offset, reaches < (size_t)length ? reaches : (size_t)length);
        close(twin);
    }
    pthread_mutex_unlock(&lock);
}

static void synced(int file) {
    char path[PATH_MAX];
    const char *name = name_of(file, path);
    struct stat now;
    if (!name || (fstat(file, &now) == 0 && S_ISDIR(now.st_mode))) return;
    pthread_mutex_lock(&lock);
    int twin = open_twin(name);
    size_t left = 0;
    for (size_t i = 0; i < unsynced_count; i++) {
        if (strcmp(unsynced[i].name, name) != 0) {
            unsynced[left++] = unsynced[i];
            continue;
        }
        bring(file, twin, unsynced[i].offset, unsynced[i].length);
        free(unsynced[i].name);
    }
    unsynced_count = left;
    int (*really)(int, off_t) = next("ftruncate");
    require(fstat(file, &now) == 0 && really(twin, now.st_size) == 0, "the twin's length");
    close(twin);
    pthread_mutex_unlock(&lock);
}

ssize_t write(int file, const void *bytes, size_t length) {
    ssize_t (*really)(int, const void *, size_t) = next("write");
    off_t offset = lseek(file, 0, SEEK_CUR);
    ssize_t done = really(file, bytes, length);
    if (offset >= 0) written(file, offset, done);
    return done;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    ssize_t (*really)(int, const void *, size_t, off_t) = next("pwrite");
    ssize_t done = really(file, bytes, length, offset);
    written(file, offset, done);
    return done;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    return pwrite(file, bytes, length, offset);
}

int fsync(int file) {
    int (*really)(int) = next("fsync");
    int done = really(file);
    if (done == 0) synced(file);
    return done;
}

int fdatasync(int file) {
    int (*really)(int) = next("fdatasync");
    int done = really(file);
    if (done == 0) synced(file);
    return done;
}

int rename(const char *path, const char *to) {
    int (*really)(const char *, const char *) = next("rename");
    const char *name = name_in_folder(path), *to_name = name_in_folder(to);
    char twin[PATH_MAX], to_twin[PATH_MAX];
    if (name && to_name) {
        twin_path(name, twin);
        twin_path(to_name, to_twin);
        make_folders(to_twin);
        really(twin, to_twin);
    }
    return really(path, to);
}

int unlink(const char *path) {
    int (*really)(const char *) = next("unlink");
    const char *name = name_in_folder(path);
    char twin[PATH_MAX];
    if (name) {
        twin_path(name, twin);
        really(twin);
    }
    return really(path);
}
