-- run fills in the lines
SELECT * FROM retail.reserve_lines('@lines@', 'app');
