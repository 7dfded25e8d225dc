# pg_retail: build, install and test.
#
#   make && make install                   build for the server of pg_config
#   make installcheck                      regression and isolation tests on a running server
#   make -f /path/to/pg_retail/Makefile    the same from another directory
#   make test [SUITES='regress model']     every suite, on a private server
#   make demo [DATA=dir]   make bench   make lint   make format   make doc   make deps
#
# PG_CONFIG=path picks the server, COPT=flags adds compiler flags, WERROR=1
# turns warnings into errors.

all:

PG_CONFIG ?= pg_config
srcroot := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))

# Targets that only call a script: they must work before a server is there,
# and what is set for them must not reach a make that they start.
TOOLS = test bench demo lint format doc deps
.PHONY: all $(TOOLS)

ifneq (,$(filter $(TOOLS),$(MAKECMDGOALS)))
MAKEOVERRIDES =
endif

export PG_CONFIG

test:
	@$(srcroot)/tools/test $(SUITES)

bench:
	@$(srcroot)/test/bench/run

demo:
	@$(srcroot)/tools/demo $(DATA)

lint:
	@$(srcroot)/tools/lint

format:
	@$(srcroot)/tools/format

doc:
	@cd $(srcroot)/doc && \
		{ ../tools/with_server -d retail tools/api_doc > api.md.new && mv api.md.new api.md || { rm -f api.md.new; exit 1; }; }

deps:
	@$(srcroot)/tools/deps test lint

# Everything below needs the server's build system.
ifneq (,$(filter-out $(TOOLS),$(or $(MAKECMDGOALS),all)))

EXTENSION = pg_retail
MODULE_big = pg_retail
VERSION_SQL := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(srcroot)/pg_retail.control)

# relative to the source tree, and to the build directory
sources = $(sort $(patsubst $(srcroot)/%,%,$(wildcard $(srcroot)/$(1))))
names = $(sort $(basename $(notdir $(wildcard $(srcroot)/$(1)))))

OBJS = $(patsubst %.c,%.o,$(call sources,src/*/*.c))
DATA = $(call sources,sql/pg_retail--*--*.sql)
DATA_built = sql/pg_retail--$(VERSION_SQL).sql

# one directory per floor, see src/floors.txt
PG_CPPFLAGS = $(patsubst %/,-I%,$(sort $(dir $(wildcard $(srcroot)/src/*/*.h))))
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
SHLIB_LINK = -licui18n -licuuc
ifdef WERROR
PG_CFLAGS += -Werror
endif
ifneq (,$(findstring clang,$(CC)))
# the server's own flags and attributes may be gcc's
PG_CFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes
endif

# Questions are in test/sql and test/isolation/specs, answers in expected and
# test/isolation/expected.  The first names set the stage for the later ones,
# so they run in order of name.
REGRESS = $(call names,test/sql/*.sql)
REGRESS_OPTS = --inputdir=$(srcroot)/test
REGRESS_PREP = expected
ISOLATION = $(call names,test/isolation/specs/*.spec)
ISOLATION_OPTS = --inputdir=$(srcroot)/test/isolation \
	--load-extension=postgis --load-extension=btree_gist --load-extension=pg_retail

ifneq ($(srcroot),.)
VPATH := $(srcroot)
EXTRA_CLEAN = expected
endif

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq (,$(wildcard $(PGXS)))
$(error no server build files for "$(PG_CONFIG)": install postgresql-server-dev, set PG_CONFIG, or run "make deps")
endif
include $(PGXS)

ifeq (,$(filter-out 9.% 10 11 12 13 14,$(MAJORVERSION)))
$(error pg_retail needs PostgreSQL 15 or later, and $(PG_CONFIG) is $(VERSION))
endif

# Take sources, and nothing built, from the source tree: it may hold the
# objects of another server.
srcdir := $(srcroot)
VPATH :=
ifneq ($(srcroot),.)
vpath %.c $(srcroot)
vpath %.control $(srcroot)
endif

$(OBJS) $(OBJS:.o=.bc): $(wildcard $(srcroot)/src/*/*.h) | $(sort $(dir $(OBJS)))

# The directories are named so that a part taken away counts as a change.
$(DATA_built): $(wildcard $(srcroot)/sql/install/*.sql $(srcroot)/sql/schema/*.sql) \
		$(srcroot)/sql/install $(srcroot)/sql/schema \
		$(srcroot)/pg_retail.control $(srcroot)/tools/extension_script | sql
	$(srcroot)/tools/extension_script $(srcroot) > $@

sql $(sort $(dir $(OBJS))):
	$(MKDIR_P) $@

# pg_regress looks for answers in the directory it runs in.
expected:
	ln -s $(srcroot)/expected $@

endif
