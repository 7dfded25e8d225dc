-- Similarities, comparators and normal forms of what people write.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_retail CASCADE;
SET search_path = retail, public;

-- similarities_are_those_published
SELECT a, b, round(jaro_winkler(a, b)::numeric, 4) AS jaro_winkler, damerau_levenshtein(a, b)
FROM (VALUES ('MARTHA', 'MARHTA'), ('DWAYNE', 'DUANE'), ('DIXON', 'DICKSONX'), ('', ''), ('a', ''),
             ('ca', 'abc'), ('kitten', 'sitting'), ('王小明', '王晓明')) AS t (a, b);
SELECT set_overlap('{a,b,c}', '{b,c,d}') AS half, set_overlap('{a,a}', '{a}') AS repeated,
       set_overlap('{}', '{a}') AS empty, set_overlap('{}', '{}') IS NULL AS nothing;

-- a_phone_is_read_without_prefix_extension_and_width
SELECT value, normalise('phone', value)
FROM unnest(ARRAY['138 1234 5678', '+86 13812345678', '86-13812345678', '0086138-1234-5678', '１３８１２３４５６７８',
                  '13812345678 ext 12', '+44 20 7946 0958', '020 7946 0958', '(212) 555-2368', '1-212-555-2368']) AS value;

-- placeholders_and_nonsense_are_no_numbers
SELECT value, normalise('phone', value) IS NULL AS says_nothing
FROM unnest(ARRAY['13800138000', '11111111111', '00000000000', '13000000000', '12345678901', '12', '', 'none']) AS value;

-- a_masked_number_fits_and_is_not_equal
SELECT agreement('phone', '138****5678', '13812345678') AS fits, agreement('phone', '138****5679', '13812345678') AS other,
       agreement('phone', '13812345678', '13821345678') AS exchanged, agreement('phone', '13812345678', '138-1234-5678') AS equal;

-- a_name_is_one_in_any_script_order_and_width
SELECT a, b, agreement('name', a, b)
FROM (VALUES ('王小明', '王小明先生'), ('李建東', '李建东'), ('单晓', 'Shan Xiao'), ('张海轩', 'zhanghaixuan'), ('王国泽', 'wang guo ze'),
             ('朱洁莹', 'ZHU Jieying'), ('朱洁莹', 'Jieying Zhu'), ('王小明', '王先生'), ('王小明', '王*明'), ('王小明', '王**'),
             ('欧阳娜娜', '欧阳女士'), ('Robert Smith', 'Bob Smith'), ('Smith, Robert', 'Robert Smith'), ('Müller, Jörg', 'Jorg Muller'),
             ('John Smith', 'Smith John'), ('J Smith', 'John Smith'), ('Jon Smyth', 'John Smith'), ('Dr. Anna Maria Rossi', 'Anna Rossi'),
             ('Иванов Сергей', 'Sergej Ivanov'), ('王小明', '李小明')) AS t (a, b);

-- nicknames_are_no_evidence
SELECT name, normalise('name', name) IS NULL AS says_nothing
FROM unnest(ARRAY['微信用户', '平安是福', '一叶知秋', '奶茶', 'A', 'Lucky63', 'unknown', '平安是福46', '***']) AS name;
SELECT agreement('name', '王小明', 'Lucky') IS NULL AS beside_a_name;

-- dates_of_birth_forgive_one_slip_and_an_exchange
SELECT a, b, agreement('date', a, b)
FROM (VALUES ('1980-03-04', '19800304'), ('04.03.1980', '1980-03-04'), ('3/4/1980', '1980-03-04'), ('4 March 1980', '1980-03-04'),
             ('1980年3月4日', '1980-03-04'), ('1980-03-04', '1980-04-03'), ('1980-03-04', '1981-03-04'), ('1980-03-04', '1980-03-17'),
             ('1980-03-04', '1975-11-22'), ('1900-01-01', '1980-03-04')) AS t (a, b);

-- addresses_leave_parts_out
SELECT a, b, agreement('address', a, b)
FROM (VALUES ('广东省深圳市南山区文化路857号29-4-1301', '南山区文化路857号29栋4单元1301室'), ('浙江省西湖區北京街378號24-2-1402', '浙江省西湖区北京街378号24栋2单元1402'),
             ('杭州市和平街818号28栋3单元1403室', '杭州市和平街818号28栋3单元1404室'), ('12 High Street, Leeds', '12 High St Leeds'),
             ('12 High Street, Leeds', '14 High Street, Leeds'), ('12 High Street, Leeds', 'Rua Augusta 9, Lisboa')) AS t (a, b);
SELECT agreement('street', 'wallaby place', 'wallabyplace') AS joined, agreement('street', 'High St', 'High Street') AS short_form,
       agreement('number', '123', '132') AS exchanged, agreement('email', 'Ann.Lee+shop@mail.example', 'ann.lee@mail.example') AS label,
       agreement('code', 'M 123-456', 'm123456') AS punctuation, agreement('set', 'tea, milk', 'milk|tea') AS any_order,
       compare('category', 'F', 'f') AS one, compare('category', 'F', 'M') AS none;

-- longer_text_is_cut_and_never_refused
SELECT length(normalise('text', repeat('é', 10000))) AS letters, normalise('name', repeat('王', 500)) IS NULL AS no_name,
       jaro_winkler(repeat('a', 10000), repeat('a', 20000)) AS similarity,
       damerau_levenshtein(repeat('a', 10000), repeat('b', 10000)) AS edits,
       compare('address', repeat('12 ', 5000), repeat('x', 5000)) IS NULL AS no_address;

-- an_unknown_comparator_is_refused
DO $$ BEGIN PERFORM retail.compare('sound', 'a', 'b'); EXCEPTION WHEN OTHERS THEN RAISE WARNING '% %', SQLSTATE, SQLERRM; END $$;
