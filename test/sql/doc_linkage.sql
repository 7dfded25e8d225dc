-- Examples of doc/linkage.md.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

SELECT agreement('name', '李建東', 'LI Jiandong') AS script, agreement('name', 'Bob Smith', 'Smith, Robert') AS diminutive,
       normalise('phone', '+86 138-1234-5678') AS phone;

-- what four tills and a web shop know of three people
CREATE TEMP TABLE guest (id integer PRIMARY KEY, name text, phone text, born text, address text);
INSERT INTO guest VALUES
    (1, '王小明', '13812345678', '1980-03-04', '南山区文化路857号29栋4单元1301室'),
    (2, 'WANG Xiaoming', '+86 138 1234 5678', NULL, NULL),
    (3, '王先生', '13812345678', '1980-03-04', NULL),
    (4, '李红', '13812345678', '1982-11-20', '广东省深圳市南山区文化路857号29-4-1301'),
    (5, '李紅', NULL, '1982-11-20', '南山区文化路857号29栋4单元1301'),
    (6, '微信用户', '13912345670', NULL, NULL);
WITH linked AS (
    SELECT * FROM link_table('guest', '{"name": "name", "phone": "phone", "born": "date", "address": "address"}'))
SELECT string_agg(record, ', ' ORDER BY record) AS one_person
FROM linked
GROUP BY cluster
ORDER BY 1;
