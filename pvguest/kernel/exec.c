/* SPDX-License-Identifier: MIT */
/*
 * execve: the new program gets a new address space, which is built completely before the old one
 * goes, so a failed exec leaves the caller as it was. What lies on the new stack, from its top
 * down: the strings, 16 random bytes, the auxiliary vector, the environment's and the arguments'
 * pointers, argc (System V ABI, AMD64 supplement, 3.4.1).
 */
#include "exec.h"

#include <string.h>

#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/mman.h>

#include "device.h"
#include "elf.h"
#include "file.h"
#include "inode.h"
#include "memory.h"
#include "path.h"
#include "process.h"
#include "signal.h"
#include "space.h"
#include "trap.h"

#define PAGE 4096ul
#define RFLAGS_START 0x202ul /* IF */
#define SCRIPT_LINE 256      /* the longest #! line, as on Linux */
#define SCRIPT_NEST 4
#define MINIMUM_STACK (EXEC_ARGS_SIZE + 2 * 65536 * 8) /* strings, and pointers to them */
#define MAXIMUM_STACK (64ul << 20)

/* Words written upwards, a few at a time. */
struct words {
    struct space *space;
    uint64_t address;
    uint64_t word[32];
    unsigned int count;
    int error;
};

static void words_flush(struct words *words)
{
    if (words->count && !words->error)
        words->error = space_write(words->space, words->address, words->word, words->count * 8);
    words->address += words->count * 8;
    words->count = 0;
}

static void words_put(struct words *words, uint64_t word)
{
    if (words->count == sizeof(words->word) / sizeof(words->word[0]))
        words_flush(words);
    words->word[words->count++] = word;
}

/* Puts the addresses of `count` strings and a NULL; returns the offset behind the last string. */
static size_t put_strings(struct words *words, const struct exec_args *args, size_t at,
                          unsigned int count, uint64_t top)
{
    while (count-- && at < EXEC_ARGS_SIZE) {
        words_put(words, top - (EXEC_ARGS_SIZE - at));
        while (at < EXEC_ARGS_SIZE && args->page[at / PAGE][at % PAGE])
            at++;
        at++;
    }
    words_put(words, 0);
    return at;
}

static void put_auxiliary(struct words *words, const struct program *program, uint64_t random,
                          uint64_t path)
{
    const uint64_t vector[][2] = {
        {AT_PHDR, program->headers},
        {AT_PHENT, 56},
        {AT_PHNUM, program->header_count},
        {AT_PAGESZ, PAGE},
        {AT_BASE, 0},
        {AT_FLAGS, 0},
        {AT_ENTRY, program->entry},
        {AT_UID, 0},
        {AT_EUID, 0},
        {AT_GID, 0},
        {AT_EGID, 0},
        {AT_SECURE, 0},
        {AT_CLKTCK, 100},
        {AT_RANDOM, random},
        {AT_EXECFN, path},
        {AT_NULL, 0},
    };

    for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
        words_put(words, vector[i][0]);
        words_put(words, vector[i][1]);
    }
}

#define AUXILIARY_WORDS 32

/* Fills the stack of the new program; its first stack pointer in *sp. */
static int build_stack(struct space *space, const struct exec_args *args,
                       const struct program *program, uint64_t *sp)
{
    uint64_t top = USER_STACK_TOP - 16, random_at, bytes[2];
    uint64_t strings = top - (EXEC_ARGS_SIZE - args->at);
    struct words words = {.space = space};

    random_bytes(bytes, sizeof(bytes));
    random_at = (strings - sizeof(bytes)) & ~15ul;
    words.error = exec_args_write(args, space, top);
    if (!words.error)
        words.error = space_write(space, random_at, bytes, sizeof(bytes));
    size_t count = 1 + args->argc + 1 + args->envc + 1 + AUXILIARY_WORDS;
    *sp = (random_at - count * 8) & ~15ul;
    words.address = *sp;
    words_put(&words, args->argc);
    size_t at = put_strings(&words, args, args->at, args->argc, top);
    at = put_strings(&words, args, at, args->envc, top);
    put_auxiliary(&words, program, random_at, top - (EXEC_ARGS_SIZE - at));
    words_flush(&words);
    return words.error;
}

static const char *base_name(const char *path)
{
    const char *slash;

    while ((slash = strchr(path, '/')) && slash[1])
        path = slash + 1;
    return path;
}

/* The file to run: its inode, its first page, and where it really lies. */
struct image {
    struct inode *inode;
    char *head;
    long size;
    char *path;
};

/* From here on nothing fails: the process becomes the new program. */
static void become(struct regs *regs, struct space *space, const struct program *program,
                   uint64_t sp, struct execution *execution, const char *name)
{
    struct process *process = current_process();

    process_change_space(process, space);
    if (process->files->refs > 1) {
        struct files *own = files_copy(process->files);
        if (own) { /* or it keeps sharing */
            files_put(process->files);
            process->files = own;
        }
    }
    files_close_on_exec(process->files);
    signal_reset_on_exec(process);
    execution_put(process->execution);
    process->execution = execution;
    memset(process->name, 0, NAME_LENGTH);
    for (int i = 0; i < NAME_LENGTH - 1 && name[i]; i++)
        process->name[i] = name[i];
    process->clear_child_tid = 0;
    process->has_executed = true;
    thread_reset_fpu();
    thread_set_fs_base(0);
    memset(regs, 0, sizeof(*regs));
    regs->rip = program->entry;
    regs->rsp = sp;
    regs->cs = USER_CS;
    regs->ss = USER_SS;
    regs->rflags = RFLAGS_START;
}

static struct execution *execution_new(const char *path, const struct exec_args *args)
{
    struct execution *execution = kmalloc(sizeof(*execution));

    if (!execution)
        return NULL;
    execution->refs = 1;
    execution->path = kmalloc(strlen(path) + 1);
    if (!execution->path) {
        kfree(execution);
        return NULL;
    }
    strcpy(execution->path, path);
    execution->arguments_size =
        exec_args_copy(args, execution->arguments, sizeof(execution->arguments));
    return execution;
}

/* The stack's area has its full size at once; pages come when they are touched. */
static int map_stack(struct space *space, const struct program *program)
{
    uint64_t size = current_process()->limits[RLIMIT_STACK].rlim_cur & ~(PAGE - 1);

    size = size < MINIMUM_STACK ? MINIMUM_STACK : size > MAXIMUM_STACK ? MAXIMUM_STACK : size;
    space_set_brk(space, program->end);
    return space_map(space, USER_STACK_TOP - size, size, PROT_READ | PROT_WRITE);
}

static int load(struct regs *regs, const struct image *image, const char *name,
                const struct exec_args *args)
{
    struct execution *execution = execution_new(image->path, args);
    struct space *space = execution ? space_create() : NULL;
    struct program program;
    uint64_t sp = 0;
    int error = space ? elf_load(space, image->inode, image->head, image->size, &program) : -ENOMEM;

    if (!error)
        error = map_stack(space, &program);
    if (!error)
        error = build_stack(space, args, &program, &sp);
    if (error) {
        if (space)
            space_destroy(space);
        execution_put(execution);
        return error;
    }
    become(regs, space, &program, sp, execution, base_name(name));
    return 0;
}

/* Splits "#! interpreter [argument]": the line is cut into C strings in place. */
static int parse_script(char *line, size_t size, char **interpreter, char **argument)
{
    char *end = memchr(line, '\n', size);

    if (!end)
        return -ENOEXEC;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    for (line += 2; *line == ' ' || *line == '\t'; line++)
        ;
    if (!*line)
        return -ENOEXEC;
    *interpreter = line;
    while (*line && *line != ' ' && *line != '\t')
        line++;
    *argument = NULL;
    if (!*line)
        return 0;
    *line++ = '\0';
    while (*line == ' ' || *line == '\t')
        line++;
    if (*line)
        *argument = line;
    return 0;
}

/* Arguments of a script: interpreter, its argument, the script's path, then the caller's rest. */
static int push_script(struct exec_args *args, const char *path, const char *interpreter,
                       const char *argument)
{
    exec_args_drop_first(args);
    int error = exec_args_push(args, path);
    if (!error && argument)
        error = exec_args_push(args, argument);
    if (!error)
        error = exec_args_push(args, interpreter);
    return error;
}

static int image_open(struct image *image, const char *name)
{
    struct path path;
    int error = path_walk(current_process()->cwd, name, 0, &path);

    if (error)
        return error;
    if (!path.inode)
        error = -ENOENT;
    else if (!S_ISREG(path.inode->mode) || !(path.inode->mode & 0111))
        error = -EACCES;
    else if (!(image->head = page_alloc()) || !(image->path = page_alloc()))
        error = -ENOMEM;
    if (!error && path_absolute(&path, image->path, PAGE) < 0)
        memcpy(image->path, "(removed)", 10); /* its directory has no name any more */
    if (!error) {
        image->inode = inode_get(path.inode);
        image->size = inode_read_kernel(image->inode, image->head, PAGE, 0);
        error = image->size < 0 ? image->size : 0;
    }
    path_put(&path);
    return error;
}

static void image_close(struct image *image)
{
    inode_put(image->inode);
    if (image->head)
        page_free(image->head);
    if (image->path)
        page_free(image->path);
}

static int exec_path(struct regs *regs, const char *name, struct exec_args *args, int nest)
{
    struct image image = {.inode = NULL};
    char *interpreter, *argument;
    int error = image_open(&image, name);

    if (!error && image.size > 2 && image.head[0] == '#' && image.head[1] == '!') {
        size_t size = image.size < SCRIPT_LINE ? image.size : SCRIPT_LINE;
        error = nest ? parse_script(image.head, size, &interpreter, &argument) : -ELOOP;
        if (!error)
            error = push_script(args, name, interpreter, argument);
        if (!error)
            error = exec_path(regs, interpreter, args, nest - 1);
    } else if (!error) {
        error = load(regs, &image, name, args);
    }
    image_close(&image);
    return error;
}

long exec_program(struct regs *regs, const char *path, struct exec_args *args)
{
    int error = args->argc ? 0 : exec_args_push(args, "");

    return error ? error : exec_path(regs, path, args, SCRIPT_NEST);
}
