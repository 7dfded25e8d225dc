-- run fills in the lines
\set ref random(1, 1000000000000000)
SELECT * FROM retail.place_order('app', :ref::text, '@lines@', 100.01, 20, 'express');
