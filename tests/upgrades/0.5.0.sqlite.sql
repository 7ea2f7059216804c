BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
CREATE TABLE api_key (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	scopes JSON NOT NULL, 
	requests_per_minute INTEGER, 
	concurrent_requests INTEGER, 
	open_prompts INTEGER, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT, 
	revoked_at FLOAT, 
	last_used_at FLOAT, 
	CONSTRAINT pk_api_key PRIMARY KEY (id), 
	CONSTRAINT uq_api_key_digest UNIQUE (digest), 
	CONSTRAINT uq_api_key_public_id UNIQUE (public_id)
);
INSERT INTO "api_key" VALUES(1,'key_01a206740b9fc6cb8ddd4e89c14a43fd','0000000000000000000000000000000000000000000000000000000000000000','used','local','["operate", "read", "submit"]',60,4,1000,1.79540459817499828331e+09,1.80318059817499828333e+09,NULL,1.79540459817801570895e+09);
INSERT INTO "api_key" VALUES(2,'key_01a206740ba2ef50a095206305ac2128','1111111111111111111111111111111111111111111111111111111111111111','revoked','key_01a206740ba2ef50a095206305ac2128','["read", "submit"]',NULL,NULL,NULL,1.79540459817898130417e+09,NULL,1.79540459818300461762e+09,NULL);
CREATE TABLE batch (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	state VARCHAR(16) DEFAULT 'in_progress' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	endpoint VARCHAR NOT NULL, 
	collect JSON, 
	policy VARCHAR, 
	total INTEGER DEFAULT '0' NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	cancelled INTEGER DEFAULT '0' NOT NULL, 
	expired INTEGER DEFAULT '0' NOT NULL, 
	scores_open INTEGER DEFAULT '0' NOT NULL, 
	input_tokens INTEGER DEFAULT '0' NOT NULL, 
	output_tokens INTEGER DEFAULT '0' NOT NULL, 
	cost_usd FLOAT DEFAULT '0' NOT NULL, 
	metadata JSON, 
	deadline_at FLOAT, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, input_file_id VARCHAR, output_file_id VARCHAR, error_file_id VARCHAR, completion_window VARCHAR, output_expires_after_s INTEGER, on_invalid VARCHAR(16) DEFAULT 'fail' NOT NULL, errors JSON, referenced INTEGER DEFAULT '0' NOT NULL, stored_lines INTEGER DEFAULT '0' NOT NULL, stored_bytes INTEGER DEFAULT '0' NOT NULL, webhook_url VARCHAR, fence INTEGER DEFAULT '0' NOT NULL, lease_owner VARCHAR, lease_expires_at FLOAT, in_progress_at FLOAT, finalizing_at FLOAT, cancelling_at FLOAT, traceparent VARCHAR, 
	CONSTRAINT pk_batch PRIMARY KEY (id), 
	CONSTRAINT ck_batch_state CHECK (state IN ('validating', 'in_progress', 'finalizing', 'completed', 'failed', 'expired', 'cancelling', 'cancelled')), 
	CONSTRAINT ck_batch_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT uq_batch_public_id UNIQUE (public_id)
);
INSERT INTO "batch" VALUES(1,'batch_01a206740a74e4202be0f5167b52d15c','local','completed','interactive','/v1/prompts',NULL,NULL,1,1,0,0,0,0,10,5,2.0e-05,'{"run": "1"}',NULL,1.79540459787699127201e+09,1.79540459797898244859e+09,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79540459787699127201e+09,1.79540459795999240879e+09,NULL,NULL);
INSERT INTO "batch" VALUES(2,'batch_01a206740adc2ced90b82c509165f7a9','local','completed','interactive','/v1/prompts',NULL,NULL,1,0,1,0,0,0,0,0,0.0,NULL,NULL,1.79540459797998809814e+09,1.79540459800501322746e+09,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79540459797998809814e+09,1.79540459800501322746e+09,NULL,NULL);
INSERT INTO "batch" VALUES(3,'batch_01a206740af8b43bd57f4a8424d9afc5','local','in_progress','interactive','/v1/prompts','["general", "math"]',NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,1.79540459800899624819e+09,NULL,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79540459800899624819e+09,NULL,NULL,NULL);
INSERT INTO "batch" VALUES(4,'batch_01a206740b1c530bcf8b6f9804eb0091','local','in_progress','interactive','/v1/prompts',NULL,NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,1.79540459804500484469e+09,NULL,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79540459804500484469e+09,NULL,NULL,'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
INSERT INTO "batch" VALUES(5,'batch_01a206740b7780d3594c09696532bbf2','local','failed','bulk','/v1/chat/completions',NULL,NULL,0,0,0,0,0,0,0,0,0.0,NULL,1.79549099813999533652e+09,1.79540459813999533651e+09,1.79540459816099691394e+09,'file_01a206740b72729a7074508bb95df0d0',NULL,NULL,'24h',NULL,'fail','[{"code": "invalid_json", "message": "no JSON", "line": 1, "param": null}]',0,0,0,'https://receiver.test/hook',1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "batch" VALUES(6,'batch_01a206740b94947aa5e913356715c684','local','in_progress','bulk','/v1/chat/completions',NULL,NULL,2,0,1,0,0,0,0,0,0.0,'{"run": "2"}',1.79549099816401457789e+09,1.79540459816401457788e+09,NULL,'file_01a206740b72729a7074508bb95df0d0',NULL,NULL,'24h',NULL,'skip',NULL,0,2,10,NULL,2,NULL,NULL,1.79540459816799759869e+09,NULL,NULL,NULL);
CREATE TABLE batch_expert (
	batch_id INTEGER NOT NULL, 
	expert VARCHAR NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	input_tokens INTEGER DEFAULT '0' NOT NULL, 
	output_tokens INTEGER DEFAULT '0' NOT NULL, 
	cost_usd FLOAT DEFAULT '0' NOT NULL, scored INTEGER DEFAULT '0' NOT NULL, quality_sum FLOAT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_batch_expert PRIMARY KEY (batch_id, expert), 
	CONSTRAINT fk_batch_expert_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id)
);
CREATE TABLE checkpoint (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	router VARCHAR NOT NULL, 
	experts JSON NOT NULL, 
	manifest JSON NOT NULL, 
	created_at FLOAT NOT NULL, 
	promoted_at FLOAT, verdict JSON, 
	CONSTRAINT pk_checkpoint PRIMARY KEY (id), 
	CONSTRAINT uq_checkpoint_key UNIQUE ("key"), 
	CONSTRAINT uq_checkpoint_public_id UNIQUE (public_id)
);
INSERT INTO "checkpoint" VALUES(1,'checkpoint_01a206740a6ecd94035a24bfe76f2e24','checkpoints/checkpoint_01a206740a6ecd94035a24bfe76f2e24','random','["general", "math"]','{"kind": "random", "experts": ["general", "math"]}',1.79540459787200236321e+09,1795404597.87502,'{"better": true, "reason": "the first", "quality": null, "against": null, "n": 0, "candidate": null, "current": null, "difference": null, "ci95": null, "left_out": 0, "fingerprint": null}');
CREATE TABLE decision (
	prompt_id INTEGER NOT NULL, 
	expert VARCHAR, 
	policy VARCHAR NOT NULL, 
	checkpoint_id INTEGER, 
	prediction_kind VARCHAR, 
	predictions JSON, 
	route_s FLOAT NOT NULL, 
	gathered INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_decision PRIMARY KEY (prompt_id), 
	CONSTRAINT fk_decision_checkpoint_id_checkpoint FOREIGN KEY(checkpoint_id) REFERENCES checkpoint (id), 
	CONSTRAINT fk_decision_prompt_id_prompt FOREIGN KEY(prompt_id) REFERENCES prompt (id)
);
INSERT INTO "decision" VALUES(1,'math','best',NULL,NULL,NULL,0.001,1,1.79540459789199829095e+09);
INSERT INTO "decision" VALUES(2,'general','best',NULL,NULL,NULL,0.001,1,1.7954045979859828949e+09);
INSERT INTO "decision" VALUES(3,NULL,'best',NULL,NULL,NULL,0.001,1,1.79540459802400326726e+09);
CREATE TABLE expert (
	name VARCHAR NOT NULL, 
	spec JSON NOT NULL, 
	enabled BOOLEAN DEFAULT 1 NOT NULL, 
	updated_at FLOAT NOT NULL, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_expert PRIMARY KEY (name)
);
INSERT INTO "expert" VALUES('math','{"name": "math", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.79540459786801934235e+09,0);
INSERT INTO "expert" VALUES('general','{"name": "general", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.7954045978689849377e+09,1);
CREATE TABLE file (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	filename VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	bytes INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT, 
	CONSTRAINT pk_file PRIMARY KEY (id), 
	CONSTRAINT uq_file_public_id UNIQUE (public_id)
);
INSERT INTO "file" VALUES(1,'file_01a206740b699b865a6e28091c3c7496','local','lines.jsonl','batch',10,'files/lines',1.79540459812301683422e+09,1.79549099812301683428e+09);
INSERT INTO "file" VALUES(2,'file_01a206740b72729a7074508bb95df0d0','local','given.jsonl','batch',10,'files/given',1.79540459813198900219e+09,NULL);
CREATE TABLE generation (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	prompt_id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	expert VARCHAR NOT NULL, 
	price_in_usd_per_mtok FLOAT, 
	price_out_usd_per_mtok FLOAT, 
	answer VARCHAR, 
	finish_reason VARCHAR, 
	input_tokens INTEGER, 
	output_tokens INTEGER, 
	cost_usd FLOAT, 
	nll_answer FLOAT, 
	nll_reference FLOAT, 
	inference_s FLOAT, 
	queue_s FLOAT, 
	first_token_s FLOAT, logprobs JSON, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_generation PRIMARY KEY (id), 
	CONSTRAINT ck_generation_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_generation_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_generation_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_generation_prompt_id_prompt FOREIGN KEY(prompt_id) REFERENCES prompt (id), 
	CONSTRAINT uq_generation_prompt_id_expert UNIQUE (prompt_id, expert)
);
INSERT INTO "generation" VALUES(1,'done','interactive',1,1,NULL,NULL,1795404597.89401,NULL,NULL,NULL,1795404597.89401,1.79540459791501164433e+09,1,1,'math',1.0,2.0,'4','stop',10,5,2.0e-05,0.1,0.2,0.5,0.1,NULL,NULL,0);
INSERT INTO "generation" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79540459799101209635e+09,NULL,'context_length_exceeded','too long',1.79540459799101209635e+09,1.79540459799801254271e+09,2,2,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "generation" VALUES(3,'running','interactive',1,1,'worker',1.79540459704198741919e+09,1.79540459803100371357e+09,NULL,NULL,NULL,1.79540459803100371357e+09,NULL,3,3,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "generation" VALUES(4,'running','interactive',1,1,'worker',1.79540459704198741919e+09,1.79540459803100371357e+09,NULL,NULL,NULL,1.79540459803100371357e+09,NULL,3,3,'math',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE prompt (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	public_id VARCHAR NOT NULL, 
	batch_id INTEGER NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	endpoint VARCHAR NOT NULL, 
	messages JSON NOT NULL, 
	sampling JSON NOT NULL, 
	reference VARCHAR, 
	dataset VARCHAR, 
	expert VARCHAR, 
	policy VARCHAR, 
	metadata JSON, 
	generations_open INTEGER DEFAULT '0' NOT NULL, 
	custom_id VARCHAR, 
	line INTEGER, 
	completion JSON, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_prompt PRIMARY KEY (id), 
	CONSTRAINT ck_prompt_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_prompt_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_prompt_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT uq_prompt_public_id UNIQUE (public_id)
);
INSERT INTO "prompt" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79540459788000869752e+09,NULL,NULL,NULL,1.79540459788000869752e+09,1.79540459794800281523e+09,'prompt_01a206740a76a2e4bdbd523c5e0dca22',1,'local','/v1/prompts','[{"role": "user", "content": "2+2?"}]','{}','4','math',NULL,NULL,NULL,0,'finished',1,NULL,0);
INSERT INTO "prompt" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79540459797998809814e+09,NULL,'context_length_exceeded','too long',1.79540459797998809814e+09,1.79540459800300145152e+09,'prompt_01a206740adc1fa2df3ea7bd7e72d203',2,'local','/v1/prompts','[{"role": "user", "content": "far too long"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'failed',1,NULL,0);
INSERT INTO "prompt" VALUES(3,'routed','interactive',1,1,NULL,NULL,1.79540459801100778583e+09,NULL,NULL,NULL,1.79540459801100778583e+09,NULL,'prompt_01a206740af91aa25cf2b582b2cc415a',3,'local','/v1/prompts','[{"role": "user", "content": "running"}]','{}',NULL,NULL,NULL,NULL,NULL,2,'running',1,NULL,0);
INSERT INTO "prompt" VALUES(4,'pending','interactive',0,0,NULL,NULL,1.79540459805301141739e+09,NULL,NULL,NULL,1.79540459805301141739e+09,NULL,'prompt_01a206740b1d34de7c2b6cfac9ffbcb9',4,'local','/v1/prompts','[{"role": "user", "content": "pending"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'pending',1,NULL,0);
INSERT INTO "prompt" VALUES(5,'pending','bulk',0,0,NULL,NULL,NULL,NULL,NULL,NULL,1.79540459817101502419e+09,NULL,'prompt_01a206740b9b497838addc4572069b9d',6,'local','/v1/chat/completions','[{"role": "user", "content": "2+3?"}]','{"max_tokens": 7}',NULL,NULL,NULL,NULL,NULL,0,'line-1',1,NULL,0);
INSERT INTO "prompt" VALUES(6,'failed','bulk',0,0,NULL,NULL,NULL,NULL,'invalid_json','no JSON',1.79540459817101502419e+09,1.79540459817101502419e+09,'prompt_01a206740b9b44013a466bf7ed599b55',6,'local','/v1/chat/completions','[]','{}',NULL,NULL,NULL,NULL,NULL,0,'line-2',2,NULL,0);
CREATE TABLE request_key (
	owner VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	made VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_request_key PRIMARY KEY (owner, "key")
);
INSERT INTO "request_key" VALUES('local','an upload','0','upload_01a206740b2c482c5776489fc3a16e9e',1.79540459807598447804e+09);
INSERT INTO "request_key" VALUES('local','a batch','1','batch_01a206740b7780d3594c09696532bbf2',1.79540459813701820373e+09);
CREATE TABLE score (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	generation_id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	scorer VARCHAR NOT NULL, 
	value FLOAT, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_score PRIMARY KEY (id), 
	CONSTRAINT ck_score_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_score_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_score_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_score_generation_id_generation FOREIGN KEY(generation_id) REFERENCES generation (id), 
	CONSTRAINT uq_score_generation_id_scorer UNIQUE (generation_id, scorer)
);
INSERT INTO "score" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79540459792201232908e+09,NULL,NULL,NULL,1.79540459792201232908e+09,1.79540459797701096537e+09,1,1,'bertsim',0.75,0);
CREATE TABLE upload (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	filename VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	bytes INTEGER NOT NULL, 
	file_expires_after_s INTEGER, 
	file_id VARCHAR, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	CONSTRAINT pk_upload PRIMARY KEY (id), 
	CONSTRAINT ck_upload_state CHECK (state IN ('pending', 'completed', 'cancelled', 'expired')), 
	CONSTRAINT uq_upload_public_id UNIQUE (public_id)
);
INSERT INTO "upload" VALUES(1,'upload_01a206740b2c482c5776489fc3a16e9e','local','pending','half.jsonl','batch',20,NULL,NULL,1.79540459808298492427e+09,1.79540819808298492436e+09);
INSERT INTO "upload" VALUES(2,'upload_01a206740b62e960b16a2b77b25785f2','local','completed','lines.jsonl','batch',10,NULL,'file_01a206740b699b865a6e28091c3c7496',1.79540459811501049991e+09,1.79540819811501049991e+09);
CREATE TABLE upload_part (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	upload_id INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_upload_part PRIMARY KEY (id), 
	CONSTRAINT fk_upload_part_upload_id_upload FOREIGN KEY(upload_id) REFERENCES upload (id), 
	CONSTRAINT uq_upload_part_public_id UNIQUE (public_id)
);
INSERT INTO "upload_part" VALUES(1,'part_01a206740b540d5066a44a9cf6d58192',1,10,'files/half',1795404598.10801);
CREATE TABLE usage_hour (
	owner VARCHAR NOT NULL, 
	hour_at INTEGER NOT NULL, 
	expert VARCHAR NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	input_tokens INTEGER DEFAULT '0' NOT NULL, 
	output_tokens INTEGER DEFAULT '0' NOT NULL, 
	cost_usd FLOAT DEFAULT '0' NOT NULL, 
	scored INTEGER DEFAULT '0' NOT NULL, 
	quality_sum FLOAT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_usage_hour PRIMARY KEY (owner, hour_at, expert)
);
INSERT INTO "usage_hour" VALUES('local',1795402800,'math',1,0,10,5,2.0e-05,1,0.75);
INSERT INTO "usage_hour" VALUES('local',1795402800,'general',0,1,0,0,0.0,0,0.0);
CREATE TABLE webhook (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	public_id VARCHAR NOT NULL, 
	batch_id INTEGER NOT NULL, 
	url VARCHAR NOT NULL, 
	event VARCHAR NOT NULL, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_webhook PRIMARY KEY (id), 
	CONSTRAINT ck_webhook_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT fk_webhook_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT uq_webhook_batch_id_event UNIQUE (batch_id, event), 
	CONSTRAINT uq_webhook_public_id UNIQUE (public_id)
);
INSERT INTO "webhook" VALUES(1,'pending','interactive',0,0,NULL,NULL,NULL,NULL,NULL,NULL,1.79540459816300868988e+09,NULL,'evt_01a206740b9265e1285d02716ed8295a',5,'https://receiver.test/hook','batch.failed',0);
CREATE INDEX ix_checkpoint_promoted_at ON checkpoint (promoted_at);
CREATE INDEX ix_file_expires_at ON file (expires_at);
CREATE INDEX ix_file_owner_id ON file (owner, id);
CREATE INDEX ix_request_key_created_at ON request_key (created_at);
CREATE INDEX ix_request_key_made ON request_key (made);
CREATE INDEX ix_upload_expires_at ON upload (expires_at);
CREATE INDEX ix_upload_part_upload_id ON upload_part (upload_id);
CREATE INDEX ix_webhook_lease_expires_at ON webhook (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_webhook_sent_at_id ON webhook (sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_batch_listed ON batch (owner, id) WHERE input_file_id IS NOT NULL;
CREATE INDEX ix_batch_state ON batch (state) WHERE state IN ('validating', 'in_progress', 'finalizing', 'cancelling');
CREATE INDEX ix_generation_expert_work_class_sent_at_id ON generation (expert, work_class, sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_generation_lease_expires_at ON generation (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_generation_open ON generation (batch_id, id) WHERE state IN ('pending', 'running');
CREATE INDEX ix_prompt_batch_id_line ON prompt (batch_id, line);
CREATE INDEX ix_prompt_lease_expires_at ON prompt (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_prompt_work_class_sent_at_id ON prompt (work_class, sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_score_lease_expires_at ON score (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_score_sent_at_id ON score (sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_batch_owner_work_class_id ON batch (owner, work_class, id);
CREATE INDEX ix_prompt_unanswered ON prompt (batch_id, state, line) WHERE state IN ('failed', 'cancelled', 'expired');
CREATE INDEX ix_usage_hour_hour_at ON usage_hour (hour_at);
COMMIT;
