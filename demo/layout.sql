-- How the reports print their tables.

\set QUIET on
\pset border 1
\pset footer off
\pset linestyle unicode
\pset null '-'
\pset numericlocale on
