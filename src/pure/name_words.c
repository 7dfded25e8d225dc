/*-------------------------------------------------------------------------
 * name_words.c
 *		Words in names that are not the name, and names that are one.
 *
 * The lists are common knowledge, not taken from anybody's file: forms of
 * address, the short forms that English, German, Spanish and Polish speakers
 * use, and the surnames that cover all but a few in ten thousand Chinese.
 * Each is one text, searched once per process into a table of hashes.
 *-------------------------------------------------------------------------
 */
#include "name_words.h"

#include <stdlib.h>
#include <string.h>

#include "text_norm.h"

/* The full form first; a word in two lines keeps its first root. */
static const char *const diminutives =
"robert rob bob bobby robbie bert robby|william will bill billy willie willy liam|"
"richard rick dick ricky rich richie dickie|james jim jimmy jamie jem jimmie|john jack johnny jon johnnie|"
"jonathan jonny nathan jonathon|michael mike mick mickey mikey micheal|thomas tom tommy|charles charlie chuck chas charley|"
"edward ed eddie ted teddy ned eddy|joseph joe joey|david dave davy davey|daniel dan danny|matthew matt matty mathew|"
"anthony tony antony|andrew andy drew|christopher chris kit topher|nicholas nick nicky nicolas|"
"stephen steve steven stevie|peter pete|patrick pat paddy|francis frank frankie fran|"
"alexander alex sandy xander alec|benjamin ben benny benji|samuel sam sammy|gregory greg gregg|"
"jeffrey jeff geoff geoffrey|gerald gerry jerry|kenneth ken kenny|lawrence larry laurie lawrie laurence|"
"leonard leo len lenny|philip phil phillip pip|raymond ray|ronald ron ronnie|donald don donnie|"
"douglas doug|timothy tim timmy|vincent vince vinny|walter walt wally|albert al bertie|arthur art artie|"
"frederick fred freddie freddy frederic|henry harry hal hank|harold harrold|george georgie|zachary zach zack zac zachariah|"
"joshua josh|jacob jake|nathaniel nat nate|maxwell max|maximilian maxi|oliver ollie|theodore theo|"
"cameron cam|mitchell mitch|bradley brad|clifford cliff|stanley stan|eugene gene|russell russ|"
"elizabeth liz beth betty eliza lizzie betsy libby lisa elisabeth bess|margaret maggie meg peggy marge margie greta|"
"catherine kate cathy katie kathy katherine kathryn kathleen cate kat|patricia patty tricia trish patsy|"
"jennifer jen jenny jenn|jessica jess jessie|susan sue susie suzie suzanne|barbara barb babs barbie|"
"deborah deb debbie debra|rebecca becky becca bec|victoria vicky vicki tori vickie|samantha sammie|"
"alexandra alexa lexi alix|christina tina christine chrissy kristina|jacqueline jackie jacqui|"
"dorothy dot dottie dolly|eleanor ellie nell nora elinor|emily em emmy|isabella bella izzy isabel isabelle|"
"abigail abby gail|amanda mandy|angela angie|charlotte lottie|cynthia cindy|frances francie|"
"josephine josie jo|judith judy|kimberly kim kimberley|madeline maddie madeleine maddy|melissa mel|"
"nancy nan|pamela pam|sandra sandie|sarah sally sara sadie|stephanie steph|teresa terry tess theresa|"
"valerie val|veronica ronnie|virginia ginny|georgina georgia|olivia liv livvy|natalie nat|"
"johannes hans johann hannes|friedrich fritz frieder|heinrich heinz|wilhelm willi|katharina kathi kathrin katrin|"
"johanna hanna|elisabeth elli lisbeth|sebastian basti|tobias tobi|ulrich uli|matthias matze mathias|"
"francisco paco pancho curro|jose pepe|guadalupe lupe lupita|antonio tono|manuel manolo|"
"concepcion concha|dolores lola|jesus chuy|ignacio nacho|enrique quique|roberto beto|eduardo lalo|guillermo memo|rosario chayo|"
"katarzyna kasia|malgorzata gosia|joanna asia|aleksandra ola|agnieszka aga|anna ania|magdalena magda|"
"krzysztof krzysiek|tomasz tomek|piotr piotrek|andrzej jedrek|jan janek|pawel pawelek|stanislaw staszek|wojciech wojtek|barbara basia|"
"aleksander olek|jakub kuba|grzegorz grzesiek|zofia zosia|elzbieta ela|monika monia|"
"vladimir vova volodya|aleksandr sasha|ivan vanya|dmitri dima|ekaterina katya|mariya masha|anastasia nastya";

static const char *const titles =
"mr mrs ms miss mx dr prof sir madam dame rev fr hon master mister doctor professor jr sr ii iii iv phd md esq "
"herr frau hr dipl ing sra srta senor senora don dona lic mme mlle monsieur madame pan pani shri smt sri kumari";

static const char *const nobodies =
"微信用户 用户 匿名 匿名用户 游客 顾客 客户 会员 散客 测试 无名 未知 无 收件人 淘宝用户 支付宝用户 手机用户 新用户 "
"unknown test guest anonymous none null n/a na nobody customer user walkin walk-in visitor tbd";

static const char *const han_titles =
"先生 女士 小姐 太太 夫人 同学 老师 师傅 阿姨 叔叔 大哥 大姐 经理 老板 医生 总 哥 姐";

static const char *const han_double_surnames =
"欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 司徒 令狐 夏侯 南宫 端木 百里 独孤 长孙 宇文 轩辕 申屠 澹台 濮阳 闻人 钟离 太史 呼延 东郭 "
"赫连 公羊 万俟 第五 闾丘 拓跋 司空 仲孙 鲜于 亓官 子车 佐藤 铃木 高桥 田中 渡边 伊藤 山本 中村 小林 加藤 吉田 山田 佐佐 松本 井上 木村 斋藤 清水 山崎 "
"池田 桥本 山口 石川 小川 前田 冈田 长谷 藤田 后藤 近藤 村上 远藤 青木 坂本 福田 太田 三浦 藤原 冈本 松田 中岛 中川 原田 小野 竹内 金子 和田 中山 石田 上田 森田 "
"酒井 横山 柴田 宫崎 宫本 内田 高木 安藤 谷口 大野 丸山 今井 河野 藤本 村田 武田 上野 杉山 增田 菅原 平野 大冢 千叶 久保 松井 岩崎 樱井 野口";

static const char *const han_surnames =
"赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常"
"乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍"
"虞万支柯昝管卢莫经房裘缪干解应宗丁宣贲邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊於惠甄曲家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫"
"宁仇栾暴甘钭厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍却璩桑桂濮牛寿通边扈燕冀郏浦尚农温"
"别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧殳沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游"
"竺权逯盖益桓公肖闫覃岳仝佟占苟展缑由兰原付代苑尧要楼邸邝郄商揭植练邵丘冼栗隋位";

#define TABLE_SIZE 2048			/* a power of two, twice the words at least */

typedef struct WordTable
{
	uint64_t	word[TABLE_SIZE];
	uint64_t	root[TABLE_SIZE];
} WordTable;

static WordTable *table;

#define SEED_DIMINUTIVE 1
#define SEED_TITLE 2
#define SEED_NOBODY 3
#define SEED_HAN_TITLE 4
#define SEED_HAN_SURNAME 5

static void
put(uint64_t word, uint64_t root)
{
	uint64_t	at = word % TABLE_SIZE;

	while (table->word[at] != 0 && table->word[at] != word)
		at = (at + 1) % TABLE_SIZE;
	if (table->word[at] == 0)
	{
		table->word[at] = word;
		table->root[at] = root;
	}
}

static uint64_t
get(uint64_t word)
{
	uint64_t	at = word % TABLE_SIZE;

	while (table->word[at] != 0)
	{
		if (table->word[at] == word)
			return table->root[at];
		at = (at + 1) % TABLE_SIZE;
	}
	return 0;
}

/* Words are separated by blanks; a bar begins a new root. */
static void
put_words(const char *words, uint64_t seed)
{
	uint64_t	root = 0;

	while (*words != '\0')
	{
		size_t		len = strcspn(words, " |");
		uint16_t	units[TEXT_NORM_MAX];
		int			n = retail_text_fold(words, len, units);

		if (n > 0)
		{
			uint64_t	hash = retail_text_hash(units, n, seed);

			if (root == 0)
				root = hash;
			put(hash, root);
		}
		words += len;
		if (*words == '|')
			root = 0;
		if (*words != '\0')
			words++;
	}
}

static void
put_han_characters(const char *characters)
{
	for (; *characters != '\0'; characters += 3)
	{
		uint16_t	units[TEXT_NORM_MAX];
		int			n = retail_text_fold(characters, 3, units);

		put(retail_text_hash(units, n, SEED_HAN_SURNAME), 1);
	}
}

static bool
fill_table(void)
{
	if (table != NULL)
		return true;
	table = calloc(1, sizeof(WordTable));
	if (table == NULL)
		return false;
	put_words(diminutives, SEED_DIMINUTIVE);
	put_words(titles, SEED_TITLE);
	put_words(nobodies, SEED_NOBODY);
	put_words(han_titles, SEED_HAN_TITLE);
	put_words(han_double_surnames, SEED_HAN_SURNAME);
	put_han_characters(han_surnames);
	return true;
}

static uint64_t
look_up(const uint16_t *word, int len, uint64_t seed)
{
	return len > 0 && fill_table() ? get(retail_text_hash(word, len, seed)) : 0;
}

bool
retail_is_title(const uint16_t *word, int len)
{
	return look_up(word, len, SEED_TITLE) != 0;
}

uint64_t
retail_diminutive_root(const uint16_t *word, int len)
{
	return look_up(word, len, SEED_DIMINUTIVE);
}

bool
retail_is_nobody(const uint16_t *text, int len)
{
	return look_up(text, len, SEED_NOBODY) != 0;
}

int
retail_han_title_len(const uint16_t *text, int len)
{
	for (int n = 2; n >= 1; n--)
		if (len > n && look_up(text + len - n, n, SEED_HAN_TITLE) != 0)
			return n;
	return 0;
}

int
retail_han_surname_len(const uint16_t *text, int len)
{
	for (int n = 2; n >= 1; n--)
		if (len >= n && look_up(text, n, SEED_HAN_SURNAME) != 0)
			return n;
	return 0;
}
