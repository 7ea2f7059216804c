


SELECT pg_catalog.set_config('search_path', '', false);




CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);



CREATE TABLE public.api_key (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    digest character varying NOT NULL,
    name character varying NOT NULL,
    owner character varying NOT NULL,
    scopes json NOT NULL,
    requests_per_minute integer,
    concurrent_requests integer,
    open_prompts integer,
    created_at double precision NOT NULL,
    expires_at double precision,
    revoked_at double precision,
    last_used_at double precision
);



CREATE SEQUENCE public.api_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.api_key_id_seq OWNED BY public.api_key.id;



CREATE TABLE public.batch (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    owner character varying DEFAULT 'local'::character varying NOT NULL,
    state character varying(16) DEFAULT 'in_progress'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    endpoint character varying NOT NULL,
    collect json,
    policy character varying,
    total integer DEFAULT 0 NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    expired integer DEFAULT 0 NOT NULL,
    scores_open integer DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT '0'::bigint NOT NULL,
    output_tokens bigint DEFAULT '0'::bigint NOT NULL,
    cost_usd double precision DEFAULT '0'::double precision NOT NULL,
    metadata json,
    deadline_at double precision,
    created_at double precision NOT NULL,
    finished_at double precision,
    input_file_id character varying,
    output_file_id character varying,
    error_file_id character varying,
    completion_window character varying,
    output_expires_after_s integer,
    on_invalid character varying(16) DEFAULT 'fail'::character varying NOT NULL,
    errors json,
    referenced integer DEFAULT 0 NOT NULL,
    stored_lines integer DEFAULT 0 NOT NULL,
    stored_bytes bigint DEFAULT '0'::bigint NOT NULL,
    webhook_url character varying,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    in_progress_at double precision,
    finalizing_at double precision,
    cancelling_at double precision,
    traceparent character varying,
    CONSTRAINT ck_batch_state CHECK (((state)::text = ANY ((ARRAY['validating'::character varying, 'in_progress'::character varying, 'finalizing'::character varying, 'completed'::character varying, 'failed'::character varying, 'expired'::character varying, 'cancelling'::character varying, 'cancelled'::character varying])::text[]))),
    CONSTRAINT ck_batch_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE TABLE public.batch_expert (
    batch_id bigint NOT NULL,
    expert character varying NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT '0'::bigint NOT NULL,
    output_tokens bigint DEFAULT '0'::bigint NOT NULL,
    cost_usd double precision DEFAULT '0'::double precision NOT NULL,
    scored integer DEFAULT 0 NOT NULL,
    quality_sum double precision DEFAULT '0'::double precision NOT NULL
);



CREATE SEQUENCE public.batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.batch_id_seq OWNED BY public.batch.id;



CREATE TABLE public.checkpoint (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    key character varying NOT NULL,
    router character varying NOT NULL,
    experts json NOT NULL,
    manifest json NOT NULL,
    created_at double precision NOT NULL,
    promoted_at double precision,
    verdict json
);



CREATE SEQUENCE public.checkpoint_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.checkpoint_id_seq OWNED BY public.checkpoint.id;



CREATE TABLE public.decision (
    prompt_id bigint NOT NULL,
    expert character varying,
    policy character varying NOT NULL,
    checkpoint_id bigint,
    prediction_kind character varying,
    predictions json,
    route_s double precision NOT NULL,
    gathered integer NOT NULL,
    created_at double precision NOT NULL
);



CREATE TABLE public.expert (
    name character varying NOT NULL,
    spec json NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    updated_at double precision NOT NULL,
    deaths integer DEFAULT 0 NOT NULL
);



CREATE TABLE public.file (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    owner character varying DEFAULT 'local'::character varying NOT NULL,
    filename character varying NOT NULL,
    purpose character varying NOT NULL,
    bytes bigint NOT NULL,
    key character varying NOT NULL,
    created_at double precision NOT NULL,
    expires_at double precision
);



CREATE SEQUENCE public.file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.file_id_seq OWNED BY public.file.id;



CREATE TABLE public.generation (
    id bigint NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    sent_at double precision,
    not_before double precision,
    error_code character varying,
    error_message character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    prompt_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    expert character varying NOT NULL,
    price_in_usd_per_mtok double precision,
    price_out_usd_per_mtok double precision,
    answer character varying,
    finish_reason character varying,
    input_tokens integer,
    output_tokens integer,
    cost_usd double precision,
    nll_answer double precision,
    nll_reference double precision,
    inference_s double precision,
    queue_s double precision,
    first_token_s double precision,
    logprobs json,
    deaths integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_generation_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'routed'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[]))),
    CONSTRAINT ck_generation_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE SEQUENCE public.generation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.generation_id_seq OWNED BY public.generation.id;



CREATE TABLE public.prompt (
    id bigint NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    sent_at double precision,
    not_before double precision,
    error_code character varying,
    error_message character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    public_id character varying NOT NULL,
    batch_id bigint NOT NULL,
    owner character varying DEFAULT 'local'::character varying NOT NULL,
    endpoint character varying NOT NULL,
    messages json NOT NULL,
    sampling json NOT NULL,
    reference character varying,
    dataset character varying,
    expert character varying,
    policy character varying,
    metadata json,
    generations_open integer DEFAULT 0 NOT NULL,
    custom_id character varying,
    line bigint,
    completion json,
    deaths integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_prompt_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'routed'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[]))),
    CONSTRAINT ck_prompt_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE SEQUENCE public.prompt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.prompt_id_seq OWNED BY public.prompt.id;



CREATE TABLE public.request_key (
    owner character varying NOT NULL,
    key character varying NOT NULL,
    digest character varying NOT NULL,
    made character varying NOT NULL,
    created_at double precision NOT NULL
);



CREATE TABLE public.score (
    id bigint NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    sent_at double precision,
    not_before double precision,
    error_code character varying,
    error_message character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    generation_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    scorer character varying NOT NULL,
    value double precision,
    deaths integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_score_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'routed'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[]))),
    CONSTRAINT ck_score_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE SEQUENCE public.score_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.score_id_seq OWNED BY public.score.id;



CREATE TABLE public.upload (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    owner character varying DEFAULT 'local'::character varying NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    filename character varying NOT NULL,
    purpose character varying NOT NULL,
    bytes bigint NOT NULL,
    file_expires_after_s integer,
    file_id character varying,
    created_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    CONSTRAINT ck_upload_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'completed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[])))
);



CREATE SEQUENCE public.upload_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.upload_id_seq OWNED BY public.upload.id;



CREATE TABLE public.upload_part (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    upload_id bigint NOT NULL,
    bytes bigint NOT NULL,
    key character varying NOT NULL,
    created_at double precision NOT NULL
);



CREATE SEQUENCE public.upload_part_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.upload_part_id_seq OWNED BY public.upload_part.id;



CREATE TABLE public.usage_hour (
    owner character varying NOT NULL,
    hour_at bigint NOT NULL,
    expert character varying NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT '0'::bigint NOT NULL,
    output_tokens bigint DEFAULT '0'::bigint NOT NULL,
    cost_usd double precision DEFAULT '0'::double precision NOT NULL,
    scored integer DEFAULT 0 NOT NULL,
    quality_sum double precision DEFAULT '0'::double precision NOT NULL
);



CREATE TABLE public.webhook (
    id bigint NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    sent_at double precision,
    not_before double precision,
    error_code character varying,
    error_message character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    public_id character varying NOT NULL,
    batch_id bigint NOT NULL,
    url character varying NOT NULL,
    event character varying NOT NULL,
    deaths integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_webhook_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'routed'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[])))
);



CREATE SEQUENCE public.webhook_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.webhook_id_seq OWNED BY public.webhook.id;



ALTER TABLE ONLY public.api_key ALTER COLUMN id SET DEFAULT nextval('public.api_key_id_seq'::regclass);



ALTER TABLE ONLY public.batch ALTER COLUMN id SET DEFAULT nextval('public.batch_id_seq'::regclass);



ALTER TABLE ONLY public.checkpoint ALTER COLUMN id SET DEFAULT nextval('public.checkpoint_id_seq'::regclass);



ALTER TABLE ONLY public.file ALTER COLUMN id SET DEFAULT nextval('public.file_id_seq'::regclass);



ALTER TABLE ONLY public.generation ALTER COLUMN id SET DEFAULT nextval('public.generation_id_seq'::regclass);



ALTER TABLE ONLY public.prompt ALTER COLUMN id SET DEFAULT nextval('public.prompt_id_seq'::regclass);



ALTER TABLE ONLY public.score ALTER COLUMN id SET DEFAULT nextval('public.score_id_seq'::regclass);



ALTER TABLE ONLY public.upload ALTER COLUMN id SET DEFAULT nextval('public.upload_id_seq'::regclass);



ALTER TABLE ONLY public.upload_part ALTER COLUMN id SET DEFAULT nextval('public.upload_part_id_seq'::regclass);



ALTER TABLE ONLY public.webhook ALTER COLUMN id SET DEFAULT nextval('public.webhook_id_seq'::regclass);



INSERT INTO public.alembic_version VALUES ('0008');



INSERT INTO public.api_key VALUES (1, 'key_01a20674153ef77d3e42a9d21cf8e274', '0000000000000000000000000000000000000000000000000000000000000000', 'used', 'local', '["operate", "read", "submit"]', 60, 4, 1000, 1795404600.639802, 1803180600.639812, NULL, 1795404600.642939);
INSERT INTO public.api_key VALUES (2, 'key_01a206741543a8188b4a6d31df376e39', '1111111111111111111111111111111111111111111111111111111111111111', 'revoked', 'key_01a206741543a8188b4a6d31df376e39', '["read", "submit"]', NULL, NULL, NULL, 1795404600.644417, NULL, 1795404600.647352, NULL);



INSERT INTO public.batch VALUES (1, 'batch_01a206741467b40823b92f0469ad0e2a', 'local', 'completed', 'interactive', '/v1/prompts', NULL, NULL, 1, 1, 0, 0, 0, 0, 10, 5, 2e-05, '{"run": "1"}', NULL, 1795404600.425649, 1795404600.500873, NULL, NULL, NULL, NULL, NULL, 'fail', NULL, 0, 0, 0, NULL, 0, NULL, NULL, 1795404600.425657, 1795404600.485062, NULL, NULL);
INSERT INTO public.batch VALUES (2, 'batch_01a2067414b7a126ca61459a2bf121f7', 'local', 'completed', 'interactive', '/v1/prompts', NULL, NULL, 1, 0, 1, 0, 0, 0, 0, 0, 0, NULL, NULL, 1795404600.503641, 1795404600.525642, NULL, NULL, NULL, NULL, NULL, 'fail', NULL, 0, 0, 0, NULL, 0, NULL, NULL, 1795404600.503649, 1795404600.525649, NULL, NULL);
INSERT INTO public.batch VALUES (3, 'batch_01a2067414d5431b1d5add71e6dec2ce', 'local', 'in_progress', 'interactive', '/v1/prompts', '["general", "math"]', NULL, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 1795404600.534853, NULL, NULL, NULL, NULL, NULL, NULL, 'fail', NULL, 0, 0, 0, NULL, 0, NULL, NULL, 1795404600.534861, NULL, NULL, NULL);
INSERT INTO public.batch VALUES (4, 'batch_01a2067414ecc0bc274b73f4c67279cd', 'local', 'in_progress', 'interactive', '/v1/prompts', NULL, NULL, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 1795404600.556673, NULL, NULL, NULL, NULL, NULL, NULL, 'fail', NULL, 0, 0, 0, NULL, 0, NULL, NULL, 1795404600.556679, NULL, NULL, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
INSERT INTO public.batch VALUES (5, 'batch_01a20674150b4761fefc7ba3ce33b44e', 'local', 'failed', 'bulk', '/v1/chat/completions', NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 1795491000.589407, 1795404600.589413, 1795404600.603685, 'file_01a2067415081594056428389a89d99b', NULL, NULL, '24h', NULL, 'fail', '[{"code": "invalid_json", "message": "no JSON", "line": 1, "param": null}]', 0, 0, 0, 'https://receiver.test/hook', 1, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.batch VALUES (6, 'batch_01a2067415210e09016f10deb893b828', 'local', 'in_progress', 'bulk', '/v1/chat/completions', NULL, NULL, 2, 0, 1, 0, 0, 0, 0, 0, 0, '{"run": "2"}', 1795491000.611253, 1795404600.611261, NULL, 'file_01a2067415081594056428389a89d99b', NULL, NULL, '24h', NULL, 'skip', NULL, 0, 2, 10, NULL, 2, NULL, NULL, 1795404600.625911, NULL, NULL, NULL);






INSERT INTO public.checkpoint VALUES (1, 'checkpoint_01a20674145e515c7a8979fed4e54655', 'checkpoints/checkpoint_01a20674145e515c7a8979fed4e54655', 'random', '["general", "math"]', '{"kind": "random", "experts": ["general", "math"]}', 1795404600.416915, 1795404600.422583, '{"better": true, "reason": "the first", "quality": null, "against": null, "n": 0, "candidate": null, "current": null, "difference": null, "ci95": null, "left_out": 0, "fingerprint": null}');



INSERT INTO public.decision VALUES (1, 'math', 'best', NULL, NULL, NULL, 0.001, 1, 1795404600.437679);
INSERT INTO public.decision VALUES (2, 'general', 'best', NULL, NULL, NULL, 0.001, 1, 1795404600.509971);
INSERT INTO public.decision VALUES (3, NULL, 'best', NULL, NULL, NULL, 0.001, 1, 1795404600.547674);



INSERT INTO public.expert VALUES ('math', '{"name": "math", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}', true, 1795404600.412481, 0);
INSERT INTO public.expert VALUES ('general', '{"name": "general", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}', true, 1795404600.413185, 1);



INSERT INTO public.file VALUES (1, 'file_01a206741504314fbeb8adfe2d367334', 'local', 'lines.jsonl', 'batch', 10, 'files/lines', 1795404600.582751, 1795491000.582758);
INSERT INTO public.file VALUES (2, 'file_01a2067415081594056428389a89d99b', 'local', 'given.jsonl', 'batch', 10, 'files/given', 1795404600.585654, NULL);



INSERT INTO public.generation VALUES (1, 'done', 'interactive', 1, 1, NULL, NULL, 1795404600.440177, NULL, NULL, NULL, 1795404600.440177, 1795404600.461304, 1, 1, 'math', 1, 2, '4', 'stop', 10, 5, 2e-05, 0.1, 0.2, 0.5, 0.1, NULL, NULL, 0);
INSERT INTO public.generation VALUES (2, 'failed', 'interactive', 1, 1, NULL, NULL, 1795404600.511182, NULL, 'context_length_exceeded', 'too long', 1795404600.511182, 1795404600.516832, 2, 2, 'general', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.generation VALUES (3, 'running', 'interactive', 1, 1, 'worker', 1795404599.553657, 1795404600.549555, NULL, NULL, NULL, 1795404600.549555, NULL, 3, 3, 'general', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.generation VALUES (4, 'running', 'interactive', 1, 1, 'worker', 1795404599.553736, 1795404600.549555, NULL, NULL, NULL, 1795404600.549555, NULL, 3, 3, 'math', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);



INSERT INTO public.prompt VALUES (1, 'done', 'interactive', 1, 1, NULL, NULL, 1795404600.4277, NULL, NULL, NULL, 1795404600.427706, 1795404600.480931, 'prompt_01a20674146a19e3d34672c2782c25af', 1, 'local', '/v1/prompts', '[{"role": "user", "content": "2+2?"}]', '{}', '4', 'math', NULL, NULL, NULL, 0, 'finished', 1, NULL, 0);
INSERT INTO public.prompt VALUES (2, 'failed', 'interactive', 1, 1, NULL, NULL, 1795404600.504229, NULL, 'context_length_exceeded', 'too long', 1795404600.504236, 1795404600.52268, 'prompt_01a2067414b7431985cb07c2d197a221', 2, 'local', '/v1/prompts', '[{"role": "user", "content": "far too long"}]', '{}', NULL, NULL, NULL, NULL, NULL, 0, 'failed', 1, NULL, 0);
INSERT INTO public.prompt VALUES (3, 'routed', 'interactive', 1, 1, NULL, NULL, 1795404600.537056, NULL, NULL, NULL, 1795404600.537064, NULL, 'prompt_01a2067414d7eecc2c8f951e059a5756', 3, 'local', '/v1/prompts', '[{"role": "user", "content": "running"}]', '{}', NULL, NULL, NULL, NULL, NULL, 2, 'running', 1, NULL, 0);
INSERT INTO public.prompt VALUES (4, 'pending', 'interactive', 0, 0, NULL, NULL, 1795404600.55731, NULL, NULL, NULL, 1795404600.557315, NULL, 'prompt_01a2067414ec8c4a908571c5fc5884cd', 4, 'local', '/v1/prompts', '[{"role": "user", "content": "pending"}]', '{}', NULL, NULL, NULL, NULL, NULL, 0, 'pending', 1, NULL, 0);
INSERT INTO public.prompt VALUES (5, 'pending', 'bulk', 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 1795404600.631571, NULL, 'prompt_01a206741538d4daca052192d5964295', 6, 'local', '/v1/chat/completions', '[{"role": "user", "content": "2+3?"}]', '{"max_tokens": 7}', NULL, NULL, NULL, NULL, NULL, 0, 'line-1', 1, NULL, 0);
INSERT INTO public.prompt VALUES (6, 'failed', 'bulk', 0, 0, NULL, NULL, NULL, NULL, 'invalid_json', 'no JSON', 1795404600.631571, 1795404600.631571, 'prompt_01a206741538ea823b9033c8bded0ea2', 6, 'local', '/v1/chat/completions', '[]', '{}', NULL, NULL, NULL, NULL, NULL, 0, 'line-2', 2, NULL, 0);



INSERT INTO public.request_key VALUES ('local', 'an upload', '0', 'upload_01a2067414f142096614b9e62b120706', 1795404600.56227);
INSERT INTO public.request_key VALUES ('local', 'a batch', '1', 'batch_01a20674150b4761fefc7ba3ce33b44e', 1795404600.587571);



INSERT INTO public.score VALUES (1, 'done', 'interactive', 1, 1, NULL, NULL, 1795404600.46448, NULL, NULL, NULL, 1795404600.464489, 1795404600.497197, 1, 1, 'bertsim', 0.75, 0);



INSERT INTO public.upload VALUES (1, 'upload_01a2067414f142096614b9e62b120706', 'local', 'pending', 'half.jsonl', 'batch', 20, NULL, NULL, 1795404600.567525, 1795408200.567531);
INSERT INTO public.upload VALUES (2, 'upload_01a206741502522d0892542bd202aab0', 'local', 'completed', 'lines.jsonl', 'batch', 10, NULL, 'file_01a206741504314fbeb8adfe2d367334', 1795404600.579383, 1795408200.57939);



INSERT INTO public.upload_part VALUES (1, 'part_01a2067414fd76a1a94a77ff4a17b500', 1, 10, 'files/half', 1795404600.576179);



INSERT INTO public.usage_hour VALUES ('local', 1795402800, 'math', 1, 0, 10, 5, 2e-05, 1, 0.75);
INSERT INTO public.usage_hour VALUES ('local', 1795402800, 'general', 0, 1, 0, 0, 0, 0, 0);



INSERT INTO public.webhook VALUES (1, 'pending', 'interactive', 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 1795404600.605153, NULL, 'evt_01a20674151bb74e8730a80274b00942', 5, 'https://receiver.test/hook', 'batch.failed', 0);



SELECT pg_catalog.setval('public.api_key_id_seq', 2, true);



SELECT pg_catalog.setval('public.batch_id_seq', 6, true);



SELECT pg_catalog.setval('public.checkpoint_id_seq', 1, true);



SELECT pg_catalog.setval('public.file_id_seq', 2, true);



SELECT pg_catalog.setval('public.generation_id_seq', 4, true);



SELECT pg_catalog.setval('public.prompt_id_seq', 6, true);



SELECT pg_catalog.setval('public.score_id_seq', 1, true);



SELECT pg_catalog.setval('public.upload_id_seq', 2, true);



SELECT pg_catalog.setval('public.upload_part_id_seq', 1, true);



SELECT pg_catalog.setval('public.webhook_id_seq', 1, true);



ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);



ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT pk_api_key PRIMARY KEY (id);



ALTER TABLE ONLY public.batch
    ADD CONSTRAINT pk_batch PRIMARY KEY (id);



ALTER TABLE ONLY public.batch_expert
    ADD CONSTRAINT pk_batch_expert PRIMARY KEY (batch_id, expert);



ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT pk_checkpoint PRIMARY KEY (id);



ALTER TABLE ONLY public.decision
    ADD CONSTRAINT pk_decision PRIMARY KEY (prompt_id);



ALTER TABLE ONLY public.expert
    ADD CONSTRAINT pk_expert PRIMARY KEY (name);



ALTER TABLE ONLY public.file
    ADD CONSTRAINT pk_file PRIMARY KEY (id);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT pk_generation PRIMARY KEY (id);



ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT pk_prompt PRIMARY KEY (id);



ALTER TABLE ONLY public.request_key
    ADD CONSTRAINT pk_request_key PRIMARY KEY (owner, key);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT pk_score PRIMARY KEY (id);



ALTER TABLE ONLY public.upload
    ADD CONSTRAINT pk_upload PRIMARY KEY (id);



ALTER TABLE ONLY public.upload_part
    ADD CONSTRAINT pk_upload_part PRIMARY KEY (id);



ALTER TABLE ONLY public.usage_hour
    ADD CONSTRAINT pk_usage_hour PRIMARY KEY (owner, hour_at, expert);



ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT pk_webhook PRIMARY KEY (id);



ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT uq_api_key_digest UNIQUE (digest);



ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT uq_api_key_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.batch
    ADD CONSTRAINT uq_batch_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT uq_checkpoint_key UNIQUE (key);



ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT uq_checkpoint_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.file
    ADD CONSTRAINT uq_file_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT uq_generation_prompt_id_expert UNIQUE (prompt_id, expert);



ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT uq_prompt_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT uq_score_generation_id_scorer UNIQUE (generation_id, scorer);



ALTER TABLE ONLY public.upload_part
    ADD CONSTRAINT uq_upload_part_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.upload
    ADD CONSTRAINT uq_upload_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT uq_webhook_batch_id_event UNIQUE (batch_id, event);



ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT uq_webhook_public_id UNIQUE (public_id);



CREATE INDEX ix_batch_listed ON public.batch USING btree (owner, id) WHERE (input_file_id IS NOT NULL);



CREATE INDEX ix_batch_owner_work_class_id ON public.batch USING btree (owner, work_class, id);



CREATE INDEX ix_batch_state ON public.batch USING btree (state) WHERE ((state)::text = ANY ((ARRAY['validating'::character varying, 'in_progress'::character varying, 'finalizing'::character varying, 'cancelling'::character varying])::text[]));



CREATE INDEX ix_checkpoint_promoted_at ON public.checkpoint USING btree (promoted_at);



CREATE INDEX ix_file_expires_at ON public.file USING btree (expires_at);



CREATE INDEX ix_file_owner_id ON public.file USING btree (owner, id);



CREATE INDEX ix_generation_expert_work_class_sent_at_id ON public.generation USING btree (expert, work_class, sent_at, id) WHERE ((state)::text = 'pending'::text);



CREATE INDEX ix_generation_lease_expires_at ON public.generation USING btree (lease_expires_at) WHERE ((state)::text = 'running'::text);



CREATE INDEX ix_generation_open ON public.generation USING btree (batch_id, id) WHERE ((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying])::text[]));



CREATE INDEX ix_prompt_batch_id_line ON public.prompt USING btree (batch_id, line);



CREATE INDEX ix_prompt_lease_expires_at ON public.prompt USING btree (lease_expires_at) WHERE ((state)::text = 'running'::text);



CREATE INDEX ix_prompt_unanswered ON public.prompt USING btree (batch_id, state, line) WHERE ((state)::text = ANY ((ARRAY['failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[]));



CREATE INDEX ix_prompt_work_class_sent_at_id ON public.prompt USING btree (work_class, sent_at, id) WHERE ((state)::text = 'pending'::text);



CREATE INDEX ix_request_key_created_at ON public.request_key USING btree (created_at);



CREATE INDEX ix_request_key_made ON public.request_key USING btree (made);



CREATE INDEX ix_score_lease_expires_at ON public.score USING btree (lease_expires_at) WHERE ((state)::text = 'running'::text);



CREATE INDEX ix_score_sent_at_id ON public.score USING btree (sent_at, id) WHERE ((state)::text = 'pending'::text);



CREATE INDEX ix_upload_expires_at ON public.upload USING btree (expires_at);



CREATE INDEX ix_upload_part_upload_id ON public.upload_part USING btree (upload_id);



CREATE INDEX ix_usage_hour_hour_at ON public.usage_hour USING btree (hour_at);



CREATE INDEX ix_webhook_lease_expires_at ON public.webhook USING btree (lease_expires_at) WHERE ((state)::text = 'running'::text);



CREATE INDEX ix_webhook_sent_at_id ON public.webhook USING btree (sent_at, id) WHERE ((state)::text = 'pending'::text);



ALTER TABLE ONLY public.batch_expert
    ADD CONSTRAINT fk_batch_expert_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);



ALTER TABLE ONLY public.decision
    ADD CONSTRAINT fk_decision_checkpoint_id_checkpoint FOREIGN KEY (checkpoint_id) REFERENCES public.checkpoint(id);



ALTER TABLE ONLY public.decision
    ADD CONSTRAINT fk_decision_prompt_id_prompt FOREIGN KEY (prompt_id) REFERENCES public.prompt(id);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT fk_generation_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT fk_generation_prompt_id_prompt FOREIGN KEY (prompt_id) REFERENCES public.prompt(id);



ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT fk_prompt_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT fk_score_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT fk_score_generation_id_generation FOREIGN KEY (generation_id) REFERENCES public.generation(id);



ALTER TABLE ONLY public.upload_part
    ADD CONSTRAINT fk_upload_part_upload_id_upload FOREIGN KEY (upload_id) REFERENCES public.upload(id);



ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT fk_webhook_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);




